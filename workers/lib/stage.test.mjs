// Whatever a driver does, there is one result, the process ends, and nothing is left behind.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchDir } from '../testing/tree.mjs';
import { descendants } from './processes.mjs';

const driver = fileURLToPath(new URL('../testing/fake-driver.mjs', import.meta.url));
const golden = JSON.parse(readFileSync(new URL('../protocol/job.prepare.json', import.meta.url)));

async function run(t, job, { env = {}, options = {}, during } = {}) {
  const base = scratchDir(t);
  const [out, tmp] = ['out', 'tmp'].map((name) => join(base, name));
  chmodSync(base, 0o755);
  for (const dir of [out, tmp]) {
    mkdirSync(dir);
    chmodSync(dir, 0o777);
  }
  writeFileSync(join(out, 'result.json'), '{"ok":true,"version":"stale","sizes":[],"vendor":{}}');
  writeFileSync(join(base, 'job.json'), JSON.stringify({ ...golden, out, ...job }));
  const child = spawn(process.execPath, [driver, 'prepare', join(base, 'job.json')], { env: { PATH: process.env.PATH, TMPDIR: tmp, ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (output += part));
  const closed = new Promise((done) => child.on('close', done));
  if (during) await during(child);
  const status = await closed;
  const path = join(out, 'result.json');
  return { status, output, left: readdirSync(tmp), out, result: existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null };
}

const act = (what) => ({ options: { do: what } });

test('a result, status 0, no scratch left; a home without HOME, a writable current directory', async (t) => {
  const { status, result, left, out } = await run(t, act('ok'));
  assert.deepEqual([status, result.ok, result.version, left, readdirSync(out)], [0, true, golden.version, [], ['result.json']]);
  assert.match(result.vendor.home, /sampan-.*home$/);
  assert.match(result.vendor.cwd, /sampan-.*cwd$/);
});

test('failures of every kind are results too', async (t) => {
  const expected = { throw: ['20003', /as the vendor said/], crash: ['worker_crashed', /out of the blue/], silence: ['silent', /nobody/], invalid: ['worker_error', /version/], write: ['worker_error', /not an object/] };
  for (const [what, [code, message]] of Object.entries(expected)) {
    const { status, result, left } = await run(t, act(what));
    assert.deepEqual([status, result.ok, result.code, left], [1, false, code, []], what);
    assert.match(result.message, message);
  }
});

test('a hang ends in time, with its children', async (t) => {
  let children;
  const { result } = await run(t, { ...act('hang'), timeout_seconds: 2 }, {
    during: async (child) => {
      await new Promise((done) => setTimeout(done, 1000));
      children = descendants(child.pid);
    },
  });
  assert.equal(result.code, 'vendor_timeout');
  assert.equal(children.length, 1);
  assert.ok(!existsSync(`/proc/${children[0]}`) || /\) Z /.test(readFileSync(`/proc/${children[0]}/stat`, 'utf8')));
});

test('a stop is answered', async (t) => {
  const { result } = await run(t, act('hang'), {
    during: async (child) => {
      await new Promise((done) => setTimeout(done, 700));
      child.kill('SIGTERM');
    },
  });
  assert.deepEqual([result.ok, result.code], [false, 'terminated']);
});

test('a job that cannot be read leaves no result and says so', async (t) => {
  const { status, output } = await run(t, { nonce: 'short' });
  assert.equal(status, 2);
  assert.match(output, /job_invalid: job\.nonce/);
});

const STRANGER = { uid: 54321, gid: 54321 };
const unreachable = process.getuid() !== 0 || spawnSync(process.execPath, ['--check', driver], { ...STRANGER, env: {} }).status !== 0;

test('an empty HOME and a uid without a name', { skip: unreachable && 'only root can play a stranger, and only where strangers may read' }, async (t) => {
  const { status, result, output } = await run(t, act('ok'), { env: { HOME: '' }, options: STRANGER });
  assert.equal(status, 0, output);
  assert.match(result.vendor.home, /sampan-.*home$/);
});
