// Forms: one click, one submit.

const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('[aria-busy]')) {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
};

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post') return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = '1';
  const button = event.submitter || form.querySelector('button:not([type="button"])');
  if (!button) return;
  button.setAttribute('aria-busy', 'true');
  // After the browser has read the form, or the button's own name and value would be left out.
  setTimeout(() => { button.disabled = true; });
  setTimeout(() => release(form), 15_000);
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted) document.querySelectorAll('form[data-sent]').forEach(release);
});
