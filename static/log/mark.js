// The header row of a stage: folds its lines, says how many there are and how long they took.

import { duration, took } from '../times.js';
import { element, icon } from '../dom.js';
import { say } from '../words.js';
import { absolute } from './times.js';

export function markRow({ stage, t }, label) {
  const row = element('div', 'stage-mark');
  row.dataset.stage = stage;
  const button = element('button', 'stage-fold', icon('right', 'icon-s'), element('span', 'stage-label', label));
  button.type = 'button';
  const at = element('time', '', absolute(t));
  if (Number.isFinite(t)) at.dateTime = new Date(t).toISOString();
  row.append(button, at, element('span', 'stage-took'), element('span', 'stage-lines'));
  return row;
}

/** `end`: when the next stage began or the release ended; null while this one goes on. */
export function fillMark(row, { t, folded }, lines, end) {
  const [button, , time, count] = row.children;
  button.setAttribute('aria-expanded', String(!folded));
  write(count, say('log.lines', { n: lines }));
  if (!Number.isFinite(t)) return;
  if (end !== null) {
    write(time, took(end - t));
  } else if (!time.firstElementChild) {
    // Ticks with all the others of the page.
    const since = element('time', 'elapsed', duration(0));
    since.dateTime = new Date(t).toISOString();
    since.dataset.since = '';
    time.replaceChildren(since);
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
