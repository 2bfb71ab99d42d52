// The archive: the same bytes for the same files, and something that every other reader of zips accepts.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { scratchDir } from '../testing/tree.mjs';
import { bytewise, packWgt } from './pack.mjs';

const FILES = [
  { path: 'app-service.js', bytes: Buffer.from('console.log(1);\n'.repeat(500)) },
  { path: 'manifest.json', bytes: Buffer.from('{"id":"__UNI__SAMPAN1"}') },
  { path: 'static/港口.png', bytes: Buffer.from('not compressed again '.repeat(50)) },
  { path: 'static/empty', bytes: Buffer.alloc(0) },
].sort((a, b) => bytewise(a.path, b.path));

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('bytes that no machine, zone or Node.js changes', () => {
  const zones = ['UTC', 'Asia/Shanghai', 'America/Los_Angeles', 'Pacific/Apia'];
  const script = `
    import { createHash } from 'node:crypto';
    const { packWgt } = await import(${JSON.stringify(new URL('pack.mjs', import.meta.url).href)});
    const files = JSON.parse(process.argv[1]).map(([path, text]) => ({ path, bytes: Buffer.from(text, 'base64') }));
    console.log(createHash('sha256').update(packWgt(files)).digest('hex'));`;
  const input = JSON.stringify(FILES.map(({ path, bytes }) => [path, bytes.toString('base64')]));
  const seen = zones.map((TZ) => execFileSync(process.execPath, ['--input-type=module', '-e', script, input], { env: { ...process.env, TZ }, encoding: 'utf8' }).trim());
  // It was the same with Node.js 20 and 24. A new fflate may change it, and then every wgt: that is worth a look.
  assert.deepEqual(new Set(seen), new Set(['e5870b42bb75dc2fc336aa0f352ad6fdf49f8e3013880578f50babd300ae25e3']));
});

test('other programs read it: files only, one time, one mode, names in UTF-8', (t) => {
  const dir = scratchDir(t);
  const file = join(dir, 'update.wgt');
  writeFileSync(file, packWgt(FILES));
  execFileSync('unzip', ['-tqq', file]);
  const script = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps([[i.filename, i.date_time, i.compress_type, i.create_system, i.external_attr, len(i.extra), i.flag_bits & 8, i.file_size] for i in z.infolist()]))`;
  const found = JSON.parse(execFileSync('python3', ['-c', script, file], { encoding: 'utf8' }));
  assert.deepEqual(found.map(([name]) => name), FILES.map(({ path }) => path));
  for (const [name, time, method, system, attributes, extra, descriptor, size] of found) {
    assert.deepEqual([time, system, attributes, extra, descriptor], [[1980, 1, 1, 12, 0, 0], 3, 0o100644 * 65536, 0, 0], name);
    assert.equal(method, name.endsWith('.png') ? 0 : 8);
    assert.equal(size, FILES.find(({ path }) => path === name).bytes.length);
  }
  mkdirSync(join(dir, 'out'));
  execFileSync('unzip', ['-q', file, '-d', join(dir, 'out')], { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  for (const { path, bytes } of FILES) assert.equal(sha256(readFileSync(join(dir, 'out', path))), sha256(bytes), path);
});

test('names: every plain one is in it, one that would get lost is refused', () => {
  const file = (path) => ({ path, bytes: Buffer.from(path) });
  packWgt(['constructor', 'toString', '0', '12', 'a/__proto__', 'manifest.json'].map(file));
  assert.throws(() => packWgt([file('__proto__'), file('manifest.json')]), { code: 'bad_name', path: '__proto__' });
});

test('the order is that of bytes, not that of a locale or of UTF-16', () => {
  const names = ['b', 'a/b', 'a', 'a.b', 'Z', '\u{1f6a2}', '\uff0e', '港'];
  assert.deepEqual(names.sort(bytewise), ['Z', 'a', 'a.b', 'a/b', 'b', '港', '\uff0e', '\u{1f6a2}']);
});
