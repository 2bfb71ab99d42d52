// A raw line as a terminal would show it: {text, spans}. A span {from, to, style} colours a part of the text. Knows no page.

import { overwrite } from './terminal.js';
import { styleOf } from './colours.js';

// CSI … final · OSC and other strings … BEL or ST · other escapes; and whatever of them the line's end cut off. C1 forms as well.
const ESCAPE = /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]?)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\|$)?|\x1b[ -/]*[0-~]?/y;
const CONTROL = /[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const SPECIAL = /[\x1b\x90\x98\x9b\x9d-\x9f]/g;
const MOVES = /[\r\b]|(?:\x1b\[|\x9b)[0-9;]*[CDGK]/;

/** Lines longer than this are cut for the page; the download has them whole. */
export const LONGEST = 20_000;

export function render(raw) {
  let line = raw.endsWith('\r') ? raw.replace(/\r+$/, '') : raw;
  const rest = Math.max(0, line.length - LONGEST);
  if (rest) line = line.slice(0, LONGEST);
  const moves = MOVES.test(line);
  const pieces = [...tokens(line, moves)];
  const { text, spans } = moves ? overwrite(pieces) : joined(pieces);
  return { text, spans, rest };
}

export function plain(raw) {
  return render(raw).text;
}

function joined(pieces) {
  let text = '';
  const spans = [];
  for (const { text: part, style } of pieces) {
    if (style) spans.push({ from: text.length, to: text.length + part.length, style });
    text += part;
  }
  return { text, spans };
}

/** Pieces of text with their style and, where `moves` are wanted, {move, by} between them. */
function* tokens(line, moves) {
  const pen = {};
  let style = null;
  let at = 0;
  while (at < line.length) {
    SPECIAL.lastIndex = at;
    const next = SPECIAL.exec(line)?.index ?? line.length;
    if (next > at) yield* moves ? strokes(line.slice(at, next), style) : [{ text: clean(line.slice(at, next)), style }];
    if (next === line.length) return;
    ESCAPE.lastIndex = next;
    const [whole, parameters, final] = ESCAPE.exec(line) ?? [line[next]];
    if (final === 'm') style = styleOf(sgr(pen, parameters));
    else if (moves && final && 'CDGK'.includes(final)) yield { move: final, by: Number.parseInt(parameters, 10) };
    at = next + whole.length;
  }
}

function* strokes(text, style) {
  for (const part of text.split(/([\r\b])/)) {
    if (part === '\r') yield { move: 'G', by: 1 };
    else if (part === '\b') yield { move: 'D', by: 1 };
    else if (part) yield { text: clean(part), style };
  }
}

const clean = (text) => text.replace(CONTROL, '');

const ON = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 7: 'inverse', 9: 'strike', 21: 'underline' };
const OFF = { 22: ['bold', 'dim'], 23: ['italic'], 24: ['underline'], 27: ['inverse'], 29: ['strike'] };

/** Select graphic rendition: changes the pen. A colour is a number of the 256, or [r, g, b]. */
function sgr(pen, parameters) {
  const codes = parameters.split(';');
  for (let i = 0; i < codes.length; i += 1) {
    const parts = codes[i].split(':');
    const code = Number(parts[0] || 0);
    if (code === 0) for (const key of Object.keys(pen)) delete pen[key];
    else if (code === 4 && parts[1] === '0') delete pen.underline;
    else if (ON[code]) pen[ON[code]] = true;
    else if (OFF[code]) for (const key of OFF[code]) delete pen[key];
    else if (code === 39) delete pen.fg;
    else if (code === 49) delete pen.bg;
    else if (code >= 30 && code <= 37) pen.fg = code - 30;
    else if (code >= 40 && code <= 47) pen.bg = code - 40;
    else if (code >= 90 && code <= 97) pen.fg = code - 82;
    else if (code >= 100 && code <= 107) pen.bg = code - 92;
    else if (code === 38 || code === 48 || code === 58) {
      // `38;5;n` and `38;2;r;g;b`, or both with colons, there with a colour space that may be empty.
      const inner = parts.length > 1;
      const list = inner ? parts.slice(1) : codes.slice(i + 1);
      const rgb = list[0] === '2';
      const skip = inner && rgb && list.length > 4 ? 2 : 1;
      const colour = rgb ? list.slice(skip, skip + 3).map(Number) : Number(list[1]);
      if (!inner) i += rgb ? 4 : 2;
      if (code !== 58 && valid(colour)) pen[code === 38 ? 'fg' : 'bg'] = colour;
    }
  }
  return pen;
}

const byte = (n) => Number.isInteger(n) && n >= 0 && n <= 255;
const valid = (colour) => (Array.isArray(colour) ? colour.length === 3 && colour.every(byte) : byte(colour));
