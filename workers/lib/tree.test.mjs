// Trees by strangers: what is refused, and that a copy is only ever made of plain files.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { scratchDir, writeTree } from '../testing/tree.mjs';
import { assertLinksInside, assertPlainName, copyTree, listTree } from './tree.mjs';

test('names', () => {
  for (const name of ['a/b.js', '中文 名.png', '.hidden', 'a..b', '...']) assertPlainName(name);
  for (const name of ['', '/etc/passwd', '../x', 'a/../b', 'a//b', './a', 'a\nb', 'a\\b', 'a\u0000']) {
    assert.throws(() => assertPlainName(name), { code: 'bad_name' }, JSON.stringify(name));
  }
});

test('limits of count, bytes and depth', (t) => {
  const dir = writeTree(scratchDir(t), { 'a': '12345', 'b/c/d': '12345' });
  const limits = { files: 2, bytes: 10, depth: 3 };
  assert.deepEqual(listTree(dir, { limits }).map(({ path, kind, size }) => [path, kind, size]), [['a', 'file', 5], ['b', 'dir', 0], ['b/c', 'dir', 0], ['b/c/d', 'file', 5]]);
  for (const less of [{ files: 1 }, { bytes: 9 }, { depth: 2 }]) {
    assert.throws(() => listTree(dir, { limits: { ...limits, ...less } }), { code: 'tree_too_large' });
  }
  assert.deepEqual(listTree(dir, { skip: (path) => path === 'b' }).map(({ path }) => path), ['a']);
});

test('links and special files', async (t) => {
  const base = scratchDir(t);
  const dir = writeTree(join(base, 'tree'), { a: 'A', 'sub/b': 'B' });
  symlinkSync('../a', join(dir, 'sub', 'inside'));
  const entries = listTree(dir);
  assertLinksInside(dir, entries);
  await assert.rejects(copyTree(dir, join(base, 'copy1'), entries), { code: 'symlink_refused', path: 'sub/inside' });
  symlinkSync('../../tree2', join(dir, 'sub', 'sibling'));
  writeTree(join(base, 'tree2'), { x: 'X' });
  assert.throws(() => assertLinksInside(dir, listTree(dir)), { code: 'symlink_escape', path: 'sub/sibling' });
  symlinkSync('/nowhere/at/all', join(dir, 'gone'));
  assert.throws(() => assertLinksInside(dir, listTree(dir)), { code: 'symlink_broken', path: 'gone' });
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  assert.throws(() => listTree(dir), { code: 'special_file', path: 'pipe' });
  rmSync(join(dir, 'pipe'));
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/b`), Buffer.from([0xff])]), '');
  assert.throws(() => listTree(dir), { code: 'bad_name', path: 'b\ufffd' });
});

test('a file that became a link since the listing is not followed', async (t) => {
  const base = scratchDir(t);
  const dir = writeTree(join(base, 'tree'), { a: 'A', b: 'B' });
  const entries = listTree(dir);
  await copyTree(dir, join(base, 'copy'), entries);
  assert.equal(readFileSync(join(base, 'copy', 'b'), 'utf8'), 'B');
  writeFileSync(join(base, 'secret'), 'S');
  execFileSync('ln', ['-sf', join(base, 'secret'), join(dir, 'b')]);
  await assert.rejects(copyTree(dir, join(base, 'copy2'), entries), { code: 'ELOOP' });
});
