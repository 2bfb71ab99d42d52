// The example as a container runs it: both stages, what it says about itself, and each way to misbehave.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { inflateSync } from 'node:zlib';
import { parseLine } from '../lib/events.mjs';
import { problemWith } from '../lib/result.mjs';
import { drive } from '../testing/drive.mjs';
import { scratchDir, writeTree } from '../testing/tree.mjs';
import { drawQr } from './qr.mjs';

const TOKEN = 'token-that-nobody-may-see';

async function run(t, stage, { tree = { 'app.json': '{}', 'pages/a.js': 'Page({})' }, change = () => {}, secrets = { token: `${TOKEN}\n` }, job = {}, ...more } = {}) {
  const base = scratchDir(t);
  const project = writeTree(join(base, 'project'), tree);
  change(project);
  writeTree(join(base, 'secret'), { '.keep': '', ...secrets });
  const ended = await drive(base, stage, project, { job: { platform: 'example', app_id: 'ex0001', version: '1.0.0', ...job }, ...more });
  if (ended.result !== null) assert.equal(problemWith(ended.result), null);
  assert.ok(!JSON.stringify([ended.stdout, ended.stderr, ended.result]).includes(TOKEN), 'the token is nowhere');
  return ended;
}

test('prepare copies and measures', async (t) => {
  const { status, result, out } = await run(t, 'prepare');
  assert.equal(status, 0);
  assert.deepEqual(result.sizes, [{ name: '__FULL__', bytes: 10 }, { name: '__APP__', bytes: 10 }]);
  assert.equal(readFileSync(join(out, 'package', 'pages', 'a.js'), 'utf8'), 'Page({})');
});

test('prepare needs no token, deliver does', async (t) => {
  assert.equal((await run(t, 'prepare', { secrets: {} })).status, 0);
  assert.equal((await run(t, 'deliver', { secrets: {} })).result.code, 'token_missing');
});

test('an upload says that nothing was sent, and what was asked', async (t) => {
  for (const [trial, expected] of [[true, true], ['true', true], [false, false], [undefined, false]]) {
    const { status, result, stdout, nonce } = await run(t, 'deliver', { job: { options: { trial } } });
    assert.deepEqual([status, result.qr, result.vendor.trial], [0, undefined, expected]);
    assert.match(result.vendor.note, /example platform: nothing was sent anywhere/);
    assert.match(stdout, /example platform: nothing was sent anywhere/);
    const events = stdout.split('\n').map((line) => parseLine(line, nonce)).filter(Boolean);
    assert.deepEqual(events.at(-1).progress, { done: 2, total: 2, what: 'upload' });
  }
});

test('a preview has a picture and a time at which it ends', async (t) => {
  const { result, out } = await run(t, 'deliver', { job: { action: 'preview' } });
  assert.deepEqual(readdirSync(out).sort(), ['qr.png', 'result.json']);
  assert.ok(result.qr_expires_at > Date.now() && result.qr_expires_at <= Date.now() + 600_000);
  assert.deepEqual(readFileSync(join(out, 'qr.png')), drawQr());
});

test('the picture is a PNG with three corners', () => {
  const png = drawQr();
  const size = png.readUInt32BE(16);
  const data = png.indexOf('IDAT');
  const pixels = inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4)));
  assert.equal(pixels.length, size * (size + 1));
  const dark = (x, y) => pixels[y * (size + 1) + 1 + x] === 0;
  const [near, far] = [4 * 8, size - 4 * 8 - 1];
  assert.deepEqual([dark(near, near), dark(far, near), dark(near, far), dark(far, far), dark(0, 0), dark(size / 2, size / 2)], [true, true, true, false, false, false]);
});

test('special files are refused in both stages, links in the first', async (t) => {
  for (const stage of ['prepare', 'deliver']) {
    const { result } = await run(t, stage, { change: (project) => execFileSync('mkfifo', [join(project, 'pipe')]) });
    assert.equal(result.code, 'special_file');
  }
  const { result } = await run(t, 'prepare', { change: (project) => symlinkSync('/etc/passwd', join(project, 'link')) });
  assert.equal(result.code, 'symlink_refused');
});

test('asked to misbehave', async (t) => {
  const act = (trick, job = {}) => ({ job: { ...job, options: { do: trick, at: job.at } } });
  await t.test('fail, in either stage and only there', async (t) => {
    assert.equal((await run(t, 'deliver', act('fail'))).result.code, 'example_refused');
    assert.equal((await run(t, 'prepare', act('fail', { at: 'prepare' }))).result.code, 'example_refused');
    assert.equal((await run(t, 'prepare', act('fail'))).result.ok, true);
    assert.equal((await run(t, 'deliver', act('fly'))).result.code, 'trick_unknown');
  });
  await t.test('hang', async (t) => {
    assert.equal((await run(t, 'deliver', act('hang', { timeout_seconds: 1 }))).result.code, 'vendor_timeout');
  });
  await t.test('silent', async (t) => {
    assert.equal((await run(t, 'deliver', act('silent'))).result.code, 'worker_ended_early');
  });
  await t.test('no-qr', async (t) => {
    const { result, out } = await run(t, 'deliver', act('no-qr', { action: 'preview' }));
    assert.deepEqual([result.ok, result.qr, readdirSync(out)], [true, undefined, ['result.json']]);
  });
  await t.test('ignore-term', async (t) => {
    const until = async (said) => {
      while (!said()) await new Promise((done) => setTimeout(done, 20));
    };
    const { signal, result } = await run(t, 'deliver', {
      ...act('ignore-term'),
      during: async (pid, stdout) => {
        await until(() => stdout().includes('signals are ignored'));
        process.kill(pid, 'SIGTERM');
        await until(() => stdout().includes('SIGTERM is ignored'));
        process.kill(pid, 'SIGKILL');
      },
    });
    assert.deepEqual([signal, result], ['SIGKILL', null]);
  });
  await t.test('spam', async (t) => {
    const { status, stdout } = await run(t, 'deliver', act('spam'));
    assert.equal(status, 0);
    assert.equal(stdout.match(/^spam /gm).length, 100_000);
  });
});
