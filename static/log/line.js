// The elements of one line. Text of a log only ever becomes text nodes.

import { element } from '../dom.js';
import { say } from '../words.js';
import { render } from './ansi.js';
import { pieces } from './match.js';

/** A row for line `n`, empty until `fill`. */
export function lineRow(n) {
  const row = element('div', 'line');
  row.id = `L${n}`;
  const number = element('a', 'n', String(n));
  number.href = `#L${n}`;
  number.tabIndex = -1;
  const time = element('span', 't');
  time.setAttribute('aria-hidden', 'true');
  row.append(number, time, element('span', 'text'));
  return row;
}

/** `line` is undefined while it is being fetched; `time` is what its clock shows; `find` comes from `matcher`. */
export function fill(row, line, time, find) {
  const [, clock, text] = row.children;
  row.classList.toggle('line-wait', !line);
  if (!line) {
    text.replaceChildren();
    return;
  }
  row.dataset.stream = line.stream;
  clock.dataset.t = time;
  const shown = render(line.text);
  const places = find ? find.places(shown.text) : [];
  row.classList.toggle('hit', places.length > 0);
  if (!places.length && !shown.spans.length) text.textContent = shown.text;
  else text.replaceChildren(...pieces(shown.text, shown.spans, places).map(node));
  if (shown.rest) text.append(element('span', 'rest', say('log.rest', { n: shown.rest })));
}

function node({ text, style, match }) {
  if (!style && !match) return document.createTextNode(text);
  const made = document.createElement(match ? 'mark' : 'span');
  made.textContent = text;
  // A match stands out in its own colours; what else there is stays on it.
  if (style) {
    made.className = (match ? style.names.filter((name) => name.startsWith('a-')) : style.names).join(' ');
    if (!match && style.color) made.style.color = style.color;
    if (!match && style.background) made.style.backgroundColor = style.background;
  }
  return made;
}
