// Every row of the error table recognises its sample, and no earlier row takes it. The server tests the same samples.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** Rows in order. The table keeps to one key a line and literal strings, so no TOML reader is needed. */
const rows = read('platform.toml')
  .split('[[errors]]')
  .slice(1)
  .map((block) => {
    const [, flags, pattern] = /^match = '(?:\(\?([is]+)\))?(.*)'$/m.exec(block);
    return { pattern: new RegExp(pattern, flags ?? ''), code: /^code = "([a-z_]+)"$/m.exec(block)[1], hint: /^hint = \{ zh = "(.+)", en = "(.+)" \}$/m.exec(block) };
  });
const samples = JSON.parse(read('errors.samples.json'));

for (const { text, code } of samples) {
  test(`${code}: ${text.slice(0, 60)}`, () => {
    assert.equal(rows.find(({ pattern }) => pattern.test(text))?.code, code);
  });
}

test('every row has a sample and a code of its own', () => {
  const codes = rows.map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
  assert.deepEqual(codes.filter((code) => !samples.some((sample) => sample.code === code)), []);
});

test('hints use only captures that exist, and the dialect of the server', () => {
  for (const { pattern, code, hint } of rows) {
    assert.doesNotMatch(pattern.source, /\(\?[=!<]|\\[1-9]/, `${code}: no look-around, no back-references`);
    const captures = new RegExp(`${pattern.source}|`).exec('').length - 1;
    for (const text of hint.slice(1)) {
      for (const [, n] of text.matchAll(/\$(\d)/g)) assert.ok(Number(n) <= captures, `${code}: $${n}`);
      assert.doesNotMatch(text, /\$\d[A-Za-z0-9_]/, `${code}: an ambiguous capture`);
    }
  }
});
