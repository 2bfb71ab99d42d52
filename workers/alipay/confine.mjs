// Starts the keyed process and listens to it. Node's permission model confines it: no other process, no native module, no worker,
// and no file but its modules, the package and its scratch; so neither a script of the project nor a path in its configuration
// that leads out can do anything there. The key goes over the channel between the two: no argument, no environment, no file.

import { fork } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Failure } from '../lib/failure.mjs';

const HERE = realpathSync(dirname(fileURLToPath(import.meta.url)));
const KEPT = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'TZ', 'LANG'];

/** `on(message)` gets what the process tells; `print(line)` what it prints. → {child, ended: Promise<{status, signal}>} */
export function startKeyed({ scratch, secrets, env = process.env, on, print }) {
  const places = { read: [HERE, scratch], write: [scratch] };
  for (const path of places.read) {
    if (isInside(realpath(secrets), realpath(path))) throw new Failure('worker_error', `the key must not be below ${path}, which the vendor's tool may read`);
  }
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  const allow = (name, paths) => paths.map((path) => `--allow-fs-${name}=${path}/*`);
  const child = fork(join(HERE, 'keyed.mjs'), [], {
    cwd: scratch,
    env: { ...Object.fromEntries(KEPT.filter((name) => env[name]).map((name) => [name, env[name]])), HOME: scratch, TMPDIR: scratch },
    execArgv: [flag, '--no-warnings', ...allow('read', places.read), ...allow('write', places.write)],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.on('message', on);
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', print);
  const ended = new Promise((done) => {
    child.on('error', (error) => done({ status: null, signal: error.message }));
    child.on('close', (status, signal) => done({ status, signal }));
  });
  return { child, ended };
}

const isInside = (path, dir) => path === dir || path.startsWith(dir.endsWith(sep) ? dir : dir + sep);

function realpath(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
