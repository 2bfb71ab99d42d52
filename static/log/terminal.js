// A line that moves its cursor back: progress bars, spinners, struck-out letters. Knows one line, no screen.

const WIDEST = 4000; // a hostile move must not cost memory
// Letters that take two cells, and marks that take none.
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const MARK = /\p{M}|\u200d|[\ufe00-\ufe0f]/u;

/** `pieces`: {text, style} and {move: C | D | G | K, by} → {text, spans} */
export function overwrite(pieces) {
  const cells = []; // {c, style}; the second half of a wide letter is an empty one
  let at = 0;
  const put = (c, style) => {
    while (cells.length < at) cells.push({ c: ' ', style: null });
    // Half a wide letter is none.
    if (cells[at]?.c === '') cells[at - 1] = { c: ' ', style: null };
    if (cells[at + 1]?.c === '') cells[at + 1] = { c: ' ', style: null };
    cells[at] = { c, style };
    at += 1;
  };
  for (const { text, style, move, by } of pieces) {
    if (move) {
      const far = Number.isNaN(by) ? 1 : Math.max(by, 1);
      if (move === 'G') at = far - 1;
      else if (move === 'D') at = Math.max(0, at - far);
      else if (move === 'C') at += far;
      else erase(cells, at, by || 0);
      at = Math.min(at, Math.max(WIDEST, cells.length));
      continue;
    }
    for (const c of text) {
      if (MARK.test(c) && at > 0 && cells[at - 1]) {
        cells[cells[at - 1].c || at < 2 ? at - 1 : at - 2].c += c;
        continue;
      }
      put(c, style);
      if (WIDE.test(c)) put('', style);
    }
  }
  return joined(cells);
}

function erase(cells, at, how) {
  if (how === 0) cells.length = Math.min(cells.length, at);
  else if (how === 2) cells.length = 0;
  else for (let i = 0; i <= at && i < cells.length; i += 1) cells[i] = { c: ' ', style: null };
}

function joined(cells) {
  let text = '';
  const spans = [];
  for (const { c, style } of cells) {
    const from = text.length;
    text += c;
    if (!style || !c) continue;
    const last = spans.at(-1);
    if (last && last.style === style && last.to === from) last.to = text.length;
    else spans.push({ from, to: text.length, style });
  }
  return { text, spans };
}
