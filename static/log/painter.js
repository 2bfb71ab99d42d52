// Makes rows and keeps them true to what they stand for: a line by its number, a header by the number of its first line, negative.

import { fill, lineRow } from './line.js';
import { fillMark, markRow } from './mark.js';
import { absolute, relative } from './times.js';

export function painter(viewer) {
  const { log, rows } = viewer;

  function time(t) {
    if (viewer.times === 'absolute') return absolute(t);
    return viewer.times === 'relative' ? relative(t - rows.groups[0].t) : '';
  }

  function line(n, row) {
    const made = row ?? lineRow(n);
    const block = viewer.block(n);
    if (made.block !== block || made.version !== viewer.version || !row) {
      const found = block && viewer.line(n);
      fill(made, found, found ? time(found.t) : '', viewer.find);
      made.block = block;
      made.version = viewer.version;
      made.measured = false;
    }
    made.classList.toggle('marked', n >= viewer.marked[0] && n <= viewer.marked[1]);
    made.classList.toggle('at', n === viewer.at);
    made.classList.toggle('first-error', n === viewer.error);
    return made;
  }

  function mark(n, row) {
    const g = rows.groupOf(n);
    const group = rows.groups[g];
    const made = row ?? markRow(group, log.getAttribute(`data-label-${group.stage}`) || group.stage);
    const next = rows.groups[g + 1];
    fillMark(made, group, rows.count(g), next ? next.t : viewer.running ? null : viewer.ended);
    return made;
  }

  return (key, row) => (key < 0 ? mark(-key, row) : line(key, row));
}
