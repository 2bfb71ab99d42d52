// Short messages in a corner. They go by themselves, but not while somebody reads them, and not unseen.

import { element, icon } from './dom.js';
import { say } from './words.js';

const STEP = 250;
const MOST = 5;
const shown = new Map(); // element → milliseconds left
let timer;
let before; // what had the focus before it came here

function box() {
  const found = document.getElementById('toasts');
  if (found) return found;
  const made = element('div', 'toasts');
  made.id = 'toasts';
  made.setAttribute('role', 'status');
  document.body.append(made);
  return made;
}

/** One line; `state` gives it an icon and a colour. */
export function toast(text, state) {
  show(state, 6000, text);
}

/** What happened elsewhere: a title, one line and the way there. */
export function card({ title, text, url, state }) {
  const link = element('a', '', say('notice_open'));
  link.href = url;
  const close = element('button', 'btn btn-icon', icon('close'));
  close.type = 'button';
  close.title = say('notice_close');
  close.setAttribute('aria-label', say('notice_close'));
  const words = element('div', 'toast-words', element('strong', '', title), element('span', '', element('span', '', text), ' ', link));
  const item = show(state, 10_000, words, close);
  close.addEventListener('click', () => remove(item));
}

function show(state, ms, ...content) {
  const item = element('div', 'toast', ...content);
  if (state) {
    item.dataset.state = state;
    item.prepend(icon(`state-${state}`));
  }
  box().append(item);
  shown.set(item, ms);
  if (shown.size > MOST) remove(shown.keys().next().value);
  timer ??= setInterval(pass, STEP);
  return item;
}

const read = (item) => item.matches(':focus-within') || (matchMedia('(hover: hover)').matches && item.matches(':hover'));

function pass() {
  // Who points at one of them wants to read; none may move away under the pointer.
  if (document.hidden || [...shown.keys()].some(read)) return;
  for (const [item, left] of shown) {
    if (left > STEP) shown.set(item, left - STEP);
    else remove(item);
  }
}

function remove(item) {
  shown.delete(item);
  if (item.contains(document.activeElement)) {
    const next = [...shown.keys()].pop()?.querySelector('button');
    const back = before?.isConnected ? before : document.getElementById('main');
    (next || back)?.focus({ preventScroll: true });
  }
  item.remove();
  if (shown.size === 0) {
    clearInterval(timer);
    timer = undefined;
  }
}

document.addEventListener('focusin', (event) => {
  const from = event.relatedTarget;
  if (event.target.closest('.toast') && !from?.closest('.toast')) before = from;
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented) return;
  // There the key has a meaning of its own.
  if (event.target.closest?.('dialog, input, textarea, select')) return;
  const last = [...shown.keys()].pop();
  if (last) remove(last);
});
