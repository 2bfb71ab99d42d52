// Reads the [[errors]] of a platform.toml. The table keeps to one key a line and literal strings, so no TOML reader is needed.

import { readFileSync } from 'node:fs';

/** → [{pattern, code, uncertain, hint: [zh, en]}] in order. */
export function errorRows(file) {
  const blocks = readFileSync(file, 'utf8').split('[[errors]]').slice(1);
  return blocks.map((block) => {
    const [, flags, pattern] = /^match = '(?:\(\?([is]+)\))?(.*)'$/m.exec(block);
    const [, ...hint] = /^hint = \{ zh = "(.+)", en = "(.+)" \}$/m.exec(block);
    return { pattern: new RegExp(pattern, flags ?? ''), code: /^code = "([a-z_]+)"$/m.exec(block)[1], uncertain: /^uncertain = true$/m.test(block), hint };
  });
}

/** The row that a failed result is recognised by; the first match wins. */
export const recognise = (rows, text) => rows.find(({ pattern }) => pattern.test(text));
