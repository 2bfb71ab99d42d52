// Every row of the error table recognises its sample, and no earlier row takes it. The server tests the same samples.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { errorRows, recognise } from '../testing/errors.mjs';

const rows = errorRows(new URL('platform.toml', import.meta.url));
const samples = JSON.parse(readFileSync(new URL('errors.samples.json', import.meta.url), 'utf8'));

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
  const doubtful = ['remote_build_timeout', 'poll_failed', 'connection_cut', 'reply_not_json', 'vendor_timeout', 'terminated', 'worker_failed', 'upload_failed'];
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
