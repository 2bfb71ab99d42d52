// Sends a package with its progress in bytes. Without this script the same form sends it silently.

import { lang, say } from './words.js';

const tenths = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const megabytes = (n) => tenths.format(n / 1024 / 1024);

document.addEventListener('submit', (event) => {
  const form = event.target;
  const file = form.matches('[data-upload]') && form.querySelector('input[type="file"]');
  if (!file || !file.files.length) return;
  event.preventDefault();
  if (file.files[0].size > Number(form.dataset.limit)) return complain(file, form.dataset.tooLarge);
  send(form, event.submitter);
}, true);

function send(form, button) {
  const box = form.querySelector('.sending');
  const [bar, text] = [box.querySelector('progress'), box.querySelector('[role="status"]')];
  const request = new XMLHttpRequest();
  const over = () => {
    box.hidden = true;
    if (button) button.disabled = false;
  };
  request.upload.addEventListener('progress', ({ loaded, total }) => {
    bar.max = total;
    bar.value = loaded;
    text.textContent = loaded < total ? say('upload_sent', { done: megabytes(loaded), all: megabytes(total) }) : say('upload_checking');
  });
  request.addEventListener('load', () => {
    // A success was redirected to the update's page; a mistake comes back as the form, with what is wrong.
    if (request.status === 200) return location.assign(request.responseURL);
    over();
    const page = new DOMParser().parseFromString(request.responseText, 'text/html');
    document.getElementById('main').replaceWith(page.getElementById('main'));
    document.querySelector('[role="alert"]')?.scrollIntoView({ block: 'center' });
  });
  request.addEventListener('error', () => {
    over();
    complain(form.querySelector('input[type="file"]'), say('upload_failed'));
  });
  box.hidden = false;
  if (button) button.disabled = true;
  request.open('POST', form.action);
  request.send(new FormData(form));
}

function complain(field, text) {
  document.getElementById('file-error')?.remove();
  const note = document.createElement('p');
  note.className = 'field-error';
  note.id = 'file-error';
  note.setAttribute('role', 'alert');
  note.textContent = text;
  field.setAttribute('aria-invalid', 'true');
  field.setAttribute('aria-describedby', note.id);
  field.after(note);
  field.focus();
}
