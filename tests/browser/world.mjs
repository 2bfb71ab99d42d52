// What tests and benchmarks of the pages stand on: the outside world (git server, vendor stand-in), a fresh Sampan, one
// Chromium. Everything is started once, on first use, and goes with `tearDown`.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const password = 'ferry-and-harbour-9';

const undo = [];
const lazily = (make) => {
  let made;
  return () => (made ??= make());
};

/** A directory of this run. */
export const scratch = lazily(() => {
  const dir = mkdtempSync(join(tmpdir(), 'sampan-browser-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
});

/** Brings up what a script of ours stands for, in a folder of this run → the variables that it names. */
function up(script, name, env = {}) {
  const dir = join(scratch(), name);
  const run = (verb, stderr) => execFileSync(join(root, script), [verb, dir], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', stderr] });
  undo.push(() => run('down', 'ignore'));
  run('up', 'inherit');
  const lines = readFileSync(join(dir, 'env'), 'utf8').matchAll(/^(\w+)='(.*)'$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
}

/** → the variables of `demo/services.sh` and `scripts/sshd.sh`: given ones, or those of a world of our own. */
export const outside = lazily(() => {
  const { DEMO_GIT_ROOT, SAMPAN_TEST_SSH_URL } = process.env;
  const world = DEMO_GIT_ROOT ? process.env : up('demo/services.sh', 'world');
  return SAMPAN_TEST_SSH_URL && DEMO_GIT_ROOT ? world : { ...world, ...up('scripts/sshd.sh', 'ssh', world) };
});

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a Sampan with an empty data directory → {url, log(), stop(), start() again, account(login, role) → its password}. */
export async function serve(name, settings = {}) {
  const binary = process.env.SAMPAN_BIN;
  if (!binary) throw new Error('SAMPAN_BIN must name the sampan to test');
  const { SAMPAN_EXTRA_HOSTS, SAMPAN_EXTRA_CA_FILE } = outside();
  const url = `http://127.0.0.1:${await freePort()}`;
  const path = join(scratch(), `${name}.log`);
  const out = openSync(path, 'w');
  const log = () => readFileSync(path, 'utf8');
  const env = {
    ...process.env, NO_COLOR: '1', SAMPAN_EXTRA_HOSTS, SAMPAN_EXTRA_CA_FILE,
    SAMPAN_DATA_DIR: join(scratch(), name), SAMPAN_LISTEN: url.slice('http://'.length),
    SAMPAN_ADMIN_PASSWORD: password, SAMPAN_DEMO_BANNER: 'true', SAMPAN_SELF_REGISTRATION: 'true', ...settings,
  };
  const account = (login, role) =>
    execFileSync(binary, ['admin', 'create', login, '--role', role], { env, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }).trim().split(' / ')[1];
  let child;
  let ended;
  async function start() {
    child = spawn(binary, ['serve'], { stdio: ['ignore', out, out], env });
    ended = new Promise((done) => child.once('exit', done).once('error', done));
    for (const until = Date.now() + 30_000; ; await sleep(100)) {
      const answer = await fetch(`${url}/readyz`).catch(() => null);
      if (answer?.ok) return;
      if (child.exitCode !== null || child.pid === undefined || Date.now() > until) {
        throw new Error(`${binary} does not serve:\n${log().slice(-4000)}`);
      }
    }
  }
  async function stop() {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(late);
  }
  undo.push(stop);
  await start();
  return { url, log, stop, start, account };
}

export const browser = lazily(async () => {
  const running = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  undo.push(() => running.close());
  return running;
});

export async function tearDown() {
  for (let step; (step = undo.pop());) {
    try {
      await step();
    } catch (error) {
      console.error(`tearing down: ${error.message}`);
    }
  }
}
