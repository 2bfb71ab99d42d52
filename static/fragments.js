// Parts of a page that the server sends again when something happened.

import { tick } from './times.js';

const shown = new Map();

/** Replaces the inside of `target`; focus and open menus stay where they were. */
export function applyFragment({ target, html }) {
  const box = document.querySelector(target);
  if (!box || shown.get(target) === html) return;
  shown.set(target, html);
  const focused = box.contains(document.activeElement) ? place(box, document.activeElement) : null;
  const open = [...box.querySelectorAll('details[open][id]')].map((e) => e.id);
  box.innerHTML = html; // our own template, escaped there
  for (const id of open) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  if (focused) find(box, focused)?.focus({ preventScroll: true });
  tick();
}

function place(box, element) {
  const path = [];
  for (let e = element; e !== box; e = e.parentElement) path.unshift([...e.parentElement.children].indexOf(e));
  return { id: element.id, href: element.getAttribute('href'), path };
}

function find(box, { id, href, path }) {
  if (id) return box.querySelector(`#${CSS.escape(id)}`);
  if (href) return box.querySelector(`a[href="${CSS.escape(href)}"]`);
  return path.reduce((e, index) => e?.children[index], box);
}
