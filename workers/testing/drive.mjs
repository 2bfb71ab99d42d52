// Runs a driver as a container would: a job file, an empty output folder, a small environment.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const workers = dirname(dirname(fileURLToPath(import.meta.url)));

/** → {status, result, stdout, stderr, out}; `during(pid)` may look at or disturb the running driver. */
export async function drive(base, stage, project, { job = {}, env = {}, during } = {}) {
  const dir = mkdtempSync(join(base, `${stage}-`));
  const [out, tmp] = ['out', 'tmp'].map((name) => join(dir, name));
  mkdirSync(out);
  mkdirSync(tmp);
  const path = join(dir, 'job.json');
  const nonce = `nonce${'0'.repeat(20)}${stage}`;
  const full = {
    release: '0'.repeat(32), attempt: 1, nonce, stage, action: 'upload', platform: 'wechat', app_id: 'wx0123456789abcdef', version: '26.03.07.4',
    description: 'a test', environment: 'production', page_path: null, query: null, scene: null, robot: null, options: {},
    project, out, secrets: join(base, 'secret'), threads: 2, timeout_seconds: 120, ...job,
  };
  writeFileSync(path, JSON.stringify(full));
  const child = spawn(process.execPath, [join(workers, full.platform, 'driver.mjs'), stage, path], {
    cwd: '/',
    env: { PATH: process.env.PATH, HOME: join(tmp, 'home'), TMPDIR: tmp, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) child[stream].setEncoding('utf8').on('data', (part) => (text[stream] += part));
  const closed = new Promise((done) => child.on('close', (status, signal) => done({ status, signal })));
  if (during) await during(child.pid, () => text.stdout);
  const ended = await closed;
  return { ...ended, ...text, nonce, out, tmp, result: readResult(out) };
}

function readResult(out) {
  try {
    return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
  } catch {
    return null;
  }
}
