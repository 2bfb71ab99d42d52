// The two stages together, with the real vendor package: what is prepared offline is what arrives at the vendor, which is the local
// stand-in. A preview is "built" by a stub that says it is one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parseLine } from '../lib/events.mjs';
import { problemWith } from '../lib/result.mjs';
import { alipayApp, APP, driveAlipay, miniProgram, stubBuilder } from '../testing/alipay.mjs';
import { scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';

const PNG = [0x89, 0x50, 0x4e, 0x47];

test('prepare and deliver, upload and preview', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await alipayApp(vendor, base);
  const src = writeTree(join(base, 'src'), miniProgram({ 'node_modules/left/index.js': 'module.exports = 1', '.git/config': 'x', 'shop/图.json': {} }));

  const sources = await driveAlipay(base, 'prepare', src);
  assert.equal(sources.status, 0, sources.stdout + sources.stderr);
  assert.equal(problemWith(sources.result), null);
  assert.deepEqual(sources.result.sizes.map(({ name }) => name), ['__FULL__', '__APP__', 'shop']);
  const [full, main, shop] = sources.result.sizes.map(({ bytes }) => bytes);
  assert.equal(full, main + shop);
  assert.deepEqual(sources.result.vendor, { cli: 'minidev 2.2.5' });

  const upload = await driveAlipay(base, 'deliver', join(sources.out, 'package'), { job: { options: { experience: true } }, env: vendor.env });
  assert.equal(upload.status, 0, upload.stdout + upload.stderr);
  assert.equal(problemWith(upload.result), null);
  assert.deepEqual([upload.result.version, upload.result.qr, upload.result.vendor], ['26.307.4', 'qr.png', { cli: 'minidev 2.2.5', experience: true }]);
  assert.match(upload.result.qr_url, /^https:\/\/mdn\.alipayobjects\.com\//);
  assert.deepEqual([...readFileSync(join(upload.out, 'qr.png')).subarray(0, 4)], PNG);
  assert.match(upload.stdout, /\[local stand-in, not Alipay\] done/, "the vendor's build log is in the log");
  const groups = upload.stdout.split('\n').map((line) => parseLine(line, upload.nonce)?.group?.name).filter(Boolean);
  assert.deepEqual(groups, ['session', 'upload', 'remote_build', 'experience']);

  const again = await driveAlipay(base, 'deliver', join(sources.out, 'package'), { job: { version: '26.307.5' }, env: vendor.env });
  assert.deepEqual([again.status, again.result.qr], [0, undefined], again.stdout);

  const preview = { action: 'preview', page_path: '/shop/list', query: '?a=1&b=2', scene: '1047' };
  const built = await driveAlipay(base, 'prepare', src, { job: preview, env: stubBuilder(base) });
  assert.equal(built.status, 0, built.stdout + built.stderr);
  assert.deepEqual(built.result.sizes, sources.result.sizes);
  assert.match(built.stdout, /stub builder of Sampan's tests/);
  const shown = await driveAlipay(base, 'deliver', join(built.out, 'package'), { job: preview, env: vendor.env });
  assert.equal(shown.status, 0, shown.stdout + shown.stderr);
  assert.equal(problemWith(shown.result), null);
  assert.deepEqual([shown.result.qr, shown.result.version], ['qr.png', '26.307.4']);
  assert.deepEqual([...readFileSync(join(shown.out, 'qr.png')).subarray(0, 4)], PNG);

  const [first, second, third] = await vendor.uploads(APP);
  assert.deepEqual([first.kind, first.version, first.desc], ['upload', '26.307.4', 'a test']);
  assert.deepEqual([second.kind, second.version], ['upload', '26.307.5']);
  assert.deepEqual([third.kind, third.path, third.query, third.scene, third.pushed], ['preview', 'shop/list', 'a=1&b=2', '1047', false]);
  const names = first.files.map(({ name }) => name);
  for (const name of ['app.json', 'mini.project.json', 'shop/list.axml', 'shop/图.json', 'node_modules/left/index.js']) assert.ok(names.includes(name), `${name} in ${names}`);
  assert.ok(!names.some((name) => name.startsWith('.git')));
  assert.equal((await vendor.file(APP, 0, 'pages/index/index.axml')).toString(), '<view class="a">ok</view>');

  assert.ok(![...vendor.asked].includes('hpmweb.alipay.com:443'), [...vendor.asked].join(' '));
  for (const run of [sources, upload, built, shown]) {
    for (const line of run.stdout.split('\n')) assert.ok(!line.includes(run.nonce) || parseLine(line, run.nonce), 'the nonce is only in events');
    for (const line of pem.split('\n').slice(0, -2)) assert.ok(!(run.stdout + run.stderr).includes(line), 'no line of the key in the log');
  }
});
