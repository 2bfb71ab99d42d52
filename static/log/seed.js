// The lines that came with the page, without colours and times: they stand there until the real ones are fetched.

import { parse } from './frames.js';

export function seed(log) {
  const lines = [...log.querySelectorAll('.line')];
  if (!lines.length) return null;
  const first = Number(lines[0].id.slice(1));
  const parts = [];
  for (const [i, line] of lines.entries()) {
    parts.push(`\x1e${first + i} 1 NaN - ${line.dataset.stream}\n${line.querySelector('.text').textContent.replaceAll('\n', ' ')}\n`);
  }
  return parse(parts.join(''), first, lines.length);
}
