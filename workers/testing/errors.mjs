// Reads and tests the [[errors]] of a platform.toml. The table keeps to one key a line and literal strings, so no TOML reader is needed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

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

/**
 * The tests of a platform's table, whose folder is that of `here`. `doubtful`: the codes, in the table's order, of failures
 * after which the vendor may have it.
 */
export function testErrors(here, doubtful) {
  const rows = errorRows(new URL('platform.toml', here));
  const samples = JSON.parse(readFileSync(new URL('errors.samples.json', here), 'utf8'));

  for (const { text, code } of samples) {
    test(`${code}: ${text.slice(0, 60)}`, () => {
      assert.equal(recognise(rows, text)?.code, code);
    });
  }

  test('every row has a sample and a code of its own', () => {
    const codes = rows.map(({ code }) => code);
    assert.equal(new Set(codes).size, codes.length);
    assert.deepEqual(codes.filter((code) => !samples.some((sample) => sample.code === code)), []);
  });

  test('doubt only where the package may have left', () => {
    assert.deepEqual(rows.filter(({ uncertain }) => uncertain).map(({ code }) => code), doubtful);
  });

  test('hints use only captures that exist, and the dialect of the server', () => {
    for (const { pattern, code, hint } of rows) {
      assert.doesNotMatch(pattern.source, /\(\?[=!<]|\\[1-9]/, `${code}: no look-around, no back-references`);
      const captures = new RegExp(`${pattern.source}|`).exec('').length - 1;
      for (const text of hint) {
        for (const [, n] of text.matchAll(/\$(\d)/g)) assert.ok(Number(n) <= captures, `${code}: $${n}`);
        assert.doesNotMatch(text, /\$\d[A-Za-z0-9_]/, `${code}: an ambiguous capture`);
      }
    }
  });
}
