// The two stages together, with the real vendor package: what is prepared offline is what arrives at the vendor.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parseLine } from '../lib/events.mjs';
import { problemWith } from '../lib/result.mjs';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';

const APP = 'wx0123456789abcdef';
const native = () =>
  miniProgram({
    'app.json': { pages: ['pages/index/index'], subPackages: [{ root: 'shop/', pages: ['list'] }] },
    'project.config.json': { appid: APP, setting: { es6: true, enhance: true, minified: true } },
    'app.js': 'const answer = async () => [1, 2, 3].map((n) => n * 2);\nApp({ answer })',
    'shop/list.js': 'Page({})',
    'shop/list.wxml': '<view>list</view>',
    '.npmrc': '//registry.invalid/:_authToken=${TOKEN_NOBODY_SET}\n',
  });

test('prepare, then preview and upload', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await vendor.app(base, APP);

  const prepared = await drive(base, 'prepare', writeTree(join(base, 'src'), native()));
  assert.equal(prepared.status, 0, prepared.stdout + prepared.stderr);
  assert.equal(problemWith(prepared.result), null);
  const sizes = Object.fromEntries(prepared.result.sizes.map(({ name, bytes }) => [name, bytes]));
  assert.deepEqual(Object.keys(sizes), ['__FULL__', '__APP__', 'shop']);
  assert.equal(sizes.__FULL__, sizes.__APP__ + sizes.shop);
  assert.deepEqual(prepared.result.vendor, { cli: 'miniprogram-ci 2.1.42' });
  const app = readFileSync(join(prepared.out, 'package', 'app.js'), 'utf8');
  assert.ok(!/=>|async /.test(app), 'converted to ES5');
  readFileSync(join(prepared.out, 'package', 'app.js.map'));

  const lines = prepared.stdout.split('\n');
  const events = lines.map((line) => parseLine(line, prepared.nonce)).filter(Boolean);
  assert.ok(events.some((event) => event.group?.name === 'compile'));
  const last = events.filter((event) => event.progress).at(-1).progress;
  assert.equal(last.done, last.total);
  assert.ok(lines.every((line) => !line.includes(prepared.nonce) || parseLine(line, prepared.nonce)), 'the nonce is only in events');

  const parameters = { action: 'preview', page_path: '/shop/list', query: '?a=1&b=2', scene: '1047', options: { robot: 7 } };
  const preview = await drive(base, 'deliver', join(prepared.out, 'package'), { job: parameters, env: vendor.env });
  assert.equal(preview.status, 0, preview.stdout + preview.stderr);
  assert.equal(problemWith(preview.result), null);
  assert.equal(preview.result.qr, 'qr.jpg');
  assert.deepEqual([...readFileSync(join(preview.out, 'qr.jpg')).subarray(0, 2)], [0xff, 0xd8]);

  const upload = await drive(base, 'deliver', join(prepared.out, 'package'), { job: { options: { codeProtect: true } }, env: vendor.env });
  assert.equal(upload.status, 0, upload.stdout + upload.stderr);
  assert.equal(upload.result.qr, undefined);
  assert.deepEqual(upload.result.vendor, { cli: 'miniprogram-ci 2.1.42', robot: 1, plugins: [] });
  assert.ok(upload.result.sizes.some(({ name }) => name === 'shop'), 'the same names before and after');

  const [first, second] = await vendor.uploads(APP);
  assert.deepEqual([first.kind, first.robot, first.path, first.scene], ['preview', 7, 'shop/list', 1047]);
  assert.deepEqual(first.query, { a: '1', b: '2' });
  assert.deepEqual([second.kind, second.version, second.desc, second.robot], ['upload', '26.03.07.4', 'a test', 1]);
  const names = second.files.map(({ name }) => name.replace(/^\//, ''));
  for (const name of ['app.js', 'app.js.map', 'shop/list.wxml']) assert.ok(names.includes(name), `${name} in ${names}`);
  assert.equal((await vendor.file(APP, 1, 'app.js')).toString(), app, 'compiled once, not twice');
  const map = JSON.parse(await vendor.file(APP, 1, 'app.js.map'));
  assert.match(map.sourcesContent.join(), /answer = async/, 'source maps still lead to the source');

  assert.deepEqual([...vendor.asked], ['servicewechat.com:443']);
  for (const run of [prepared, preview, upload]) {
    for (const line of pem.split('\n').slice(0, -2)) assert.ok(!(run.stdout + run.stderr).includes(line), 'no line of the key in the log');
  }
});
