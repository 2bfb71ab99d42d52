// A program's pages: looks into a repository without leaving the form, and keeps the list of branches fresh.
// Without this script the same buttons load the page again.

import { toast } from './app.js';
import { say } from './words.js';

const box = document.getElementById('inspection');

async function inspect(button) {
  forget();
  const note = document.createElement('p');
  note.className = 'soft';
  note.textContent = say('inspect_asking');
  box.replaceChildren(note);
  button.setAttribute('aria-busy', 'true');
  button.disabled = true;
  try {
    const reply = await fetch(button.formAction, {
      method: 'POST',
      headers: { 'X-Fragment': 'inspection' },
      body: new URLSearchParams(new FormData(button.form)),
      redirect: 'error', // to the sign-in page, where somebody has signed out elsewhere
    });
    if (reply.ok) {
      box.innerHTML = await reply.text(); // our own template, escaped there
      propose(button.form);
    } else {
      complain(reply.status === 422 ? await reply.text() : say('inspect_failed'), reply.headers.get('X-Field'));
    }
  } catch {
    complain(say('inspect_failed'));
  } finally {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
}

/** At the field that can mend it, where the server names one. */
function complain(text, name) {
  const field = name && document.getElementById(name);
  const note = document.createElement('p');
  note.className = 'field-error';
  note.setAttribute('role', 'alert');
  note.textContent = text;
  box.replaceChildren();
  if (!field) return box.append(note);
  note.id = `${name}-error`;
  document.getElementById(note.id)?.remove();
  field.setAttribute('aria-invalid', 'true');
  field.setAttribute('aria-describedby', note.id);
  field.closest('details')?.setAttribute('open', '');
  field.after(note);
  field.focus();
}

function forget() {
  for (const note of document.querySelectorAll('.field-error[role="alert"]')) {
    const field = document.querySelector(`[aria-describedby="${note.id}"]`);
    field?.removeAttribute('aria-invalid');
    field?.removeAttribute('aria-describedby');
    note.remove();
  }
}

const filled = new Map();

/** A new program takes the default branch and the first proposal by itself, but not over what was typed since the page came. */
function propose(form) {
  if (form.elements.namedItem('id')) return;
  const refs = box.querySelector('#refs');
  const ref = form.elements.namedItem('default_ref');
  const known = [...refs.options].some(({ value }) => value === ref.value);
  if (!known && ref.value === ref.defaultValue && refs.dataset.default) ref.value = refs.dataset.default;
  const first = box.querySelector('[data-fill]');
  if (!first) return;
  const typed = ([name]) => {
    const field = document.getElementById(name);
    return field && field.value !== (filled.get(name) ?? field.defaultValue);
  };
  if (!Object.entries(JSON.parse(first.dataset.fill)).some(typed)) fill(first);
}

function fill(use) {
  for (const [name, value] of Object.entries(JSON.parse(use.dataset.fill))) {
    const field = document.getElementById(name);
    if (!field) continue;
    field.value = value;
    filled.set(name, value);
    const folded = value && field.closest('details');
    if (folded) folded.open = true;
  }
  for (const other of box.querySelectorAll('[data-fill]')) other.setAttribute('aria-pressed', String(other === use));
  toast(say('inspect_filled'), 'succeeded');
}

document.addEventListener('click', (event) => {
  const look = event.target.closest?.('[data-inspect]');
  const use = event.target.closest?.('[data-fill]');
  if (!look && !use) return;
  event.preventDefault();
  if (look) return inspect(look);
  fill(use);
  document.getElementById('build_command')?.focus();
});

// What was fetched last may miss the branch somebody pushed a minute ago.
const list = document.querySelector('datalist[data-refs]');
let asked = false;
document.addEventListener('focusin', async (event) => {
  if (asked || !list || event.target.getAttribute?.('list') !== list.id) return;
  asked = true;
  try {
    const reply = await fetch(list.dataset.refs);
    if (!reply.ok) return;
    const { branches, tags } = await reply.json();
    const options = [...branches, ...tags.toReversed()].slice(0, 300).map((name) => {
      const option = document.createElement('option');
      option.value = name;
      return option;
    });
    if (options.length > 0) list.replaceChildren(...options);
  } catch { /* the known ones stay */ }
});
