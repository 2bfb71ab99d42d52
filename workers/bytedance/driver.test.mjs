// The two stages together, with the real vendor package: what is prepared is what arrives at the vendor, by either credential.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'node:test';
import qrcode from 'qrcode';
import { parseLine } from '../lib/events.mjs';
import { problemWith } from '../lib/result.mjs';
import { startDirect } from '../testing/direct.mjs';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing } from '../testing/vendor.mjs';

const { PNG } = createRequire(import.meta.resolve('qrcode'))('pngjs');

const APP = 'tt53414d50414e0001';
const TOKEN = 'open-sesame-0123456789';
const ACCOUNT = { email: 'harbour@example.com', password: 'p4ss & word' };
const JOB = { platform: 'bytedance', app_id: APP, version: '1.0.0' };
const program = () =>
  miniProgram({
    'project.config.json': { appid: APP, setting: { es6: true }, packOptions: { ignore: [{ type: 'folder', value: 'notes' }] } },
    'app.json': { pages: ['pages/index/index'], subPackages: [{ root: 'shop/', pages: ['list'] }] },
    'pages/index/index.ttml': '<view>ok</view>',
    'shop/list.js': 'Page({})',
    'shop/list.js.map': '{"version":3}',
    'notes/todo.md': 'not shipped',
  });

test('prepare, then upload and preview', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startDirect(base);
  t.after(() => vendor.close());
  await vendor.register(APP, 'bytedance', JSON.stringify({ token: TOKEN, ...ACCOUNT }));
  vendor.secrets(base, { token: `${TOKEN}\n` });

  const prepared = await drive(base, 'prepare', writeTree(join(base, 'src'), program()), { job: JOB });
  assert.equal(prepared.status, 0, prepared.stdout + prepared.stderr);
  const deliver = (job, env = vendor.hurried) => drive(base, 'deliver', join(prepared.out, 'package'), { job: { ...JOB, ...job }, env });
  const runs = [];

  await t.test('an upload without a description, into a channel', async () => {
    // At the vendor's own pace, once.
    const run = await deliver({ description: '', options: { channel: '3' } }, vendor.env);
    runs.push(run);
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.equal(problemWith(run.result), null);
    const { qr, qr_url, qr_expires_at, sizes, vendor: receipt, version } = run.result;
    assert.deepEqual([version, qr, receipt.cli, receipt.channel, receipt.short_url], ['1.0.0', 'qr.png', 'tt-ide-cli 0.1.33', 3, qr_url]);
    assert.match(receipt.log_id, /^standin\d+$/);
    assert.match(qr_url, /^https:\/\/developer\.toutiao\.com\/sampan-stand-in-not-bytedance\//);
    assert.equal(qr_expires_at, receipt.expire_time * 1000);
    assert.ok(qr_expires_at > Date.now() && qr_expires_at < Date.now() + 7 * 24 * 3600 * 1000);
    assert.deepEqual(sizes.map(({ name }) => name), ['__FULL__', '__APP__', 'shop']);
    const events = run.stdout.split('\n').map((line) => parseLine(line, run.nonce)).filter(Boolean);
    assert.deepEqual(events.at(-1), { progress: { done: 3, total: 3, what: 'compiled' } });
    assert.deepEqual(readdirSync(run.tmp).filter((name) => name.startsWith('sampan-')), [], 'the scratch directory is gone');
  });

  await t.test('the code is black on white and leads to the short address', async () => {
    const { data, width, height } = PNG.sync.read(readFileSync(join(runs[0].out, 'qr.png')));
    assert.ok(data.every((value, index) => index % 4 !== 3 || value === 255), 'nothing is transparent');
    const { modules } = qrcode.create(runs[0].result.qr_url, { errorCorrectionLevel: 'M' });
    const across = modules.size + 2 * 4;
    const dark = (row, column) => data[(Math.floor(((row + 0.5) * height) / across) * width + Math.floor(((column + 0.5) * width) / across)) * 4] < 128;
    for (let row = 0; row < across; row += 1) {
      for (let column = 0; column < across; column += 1) {
        const [y, x] = [row - 4, column - 4];
        const inside = Math.min(x, y) >= 0 && Math.max(x, y) < modules.size;
        assert.equal(dark(row, column), inside && Boolean(modules.get(y, x)), `module ${y} ${x}`);
      }
    }
  });

  await t.test('a preview of a page', async () => {
    const run = await deliver({ action: 'preview', page_path: '/shop/list', query: '?a=1&b=2', scene: '1011' });
    runs.push(run);
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.equal(run.result.qr, 'qr.png');
    assert.match(run.result.qr_url, /\/preview\/2$/);
  });

  await t.test('an old account', async () => {
    rmSync(join(base, 'secret', 'token'));
    vendor.secrets(base, ACCOUNT);
    const run = await deliver({ version: '1.0.10', description: '潮汐 & more' });
    runs.push(run);
    assert.equal(run.status, 0, run.stdout + run.stderr);
  });

  const [upload, preview, second] = await vendor.uploads(APP);
  assert.deepEqual([upload.kind, upload.version, upload.desc, upload.channel, upload.tool], ['upload', '1.0.0', '1.0.0', '3', 'cli:0.1.33']);
  assert.deepEqual([second.version, second.desc, second.channel], ['1.0.10', '潮汐 & more', null]);
  const { start_page, query, scene } = preview.launch;
  assert.deepEqual([preview.kind, decodeURIComponent(start_page), query, scene], ['preview', 'shop/list?a=1&b=2', 'a=1&b=2', '1011']);
  const names = upload.files.map(({ name }) => name);
  for (const name of ['app.js', 'shop/list.js', 'shop/list.js.map', 'pages/index/index.ttml']) assert.ok(names.includes(name), `${name} in ${names}`);
  assert.ok(!names.includes('notes/todo.md'), 'packOptions still count');
  const config = JSON.parse(await vendor.file(APP, 0, 'project.config.json'));
  assert.deepEqual([config.appid, config.setting], [APP, { es6: true }]);

  // No telemetry, and no host but the vendor's.
  assert.deepEqual(vendor.asked(), ['developer.open-douyin.com', 'developer.toutiao.com', 'microapp.bytedance.com']);
  for (const run of runs) {
    for (const secret of [TOKEN, ACCOUNT.password]) assert.ok(!(run.stdout + run.stderr + JSON.stringify(run.result)).includes(secret), 'no secret in the log');
  }
});
