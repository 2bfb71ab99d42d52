// The confined child by itself: it cannot read a key, in its main thread or in a worker, nor start a process.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { scratchDir, writeTree } from '../testing/tree.mjs';
import { confinedNodeOptions } from './sandbox.mjs';

const PROBE = `
  const fs = require('fs');
  const attempt = (what) => { try { return String(what()); } catch (error) { return error.code; } };
  const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
  const [key, own, cwd] = isMainThread ? process.argv.slice(2) : workerData;
  const found = {
    key: attempt(() => fs.readFileSync(key)),
    climbing: attempt(() => fs.readFileSync(own + '/../../secret/private_key')),
    own: attempt(() => fs.readFileSync(own + '/app.js')),
    write: attempt(() => fs.writeFileSync(own + '/new.js', '')),
    scratch: attempt(() => fs.writeFileSync(cwd + '/new', 'x')),
    process: attempt(() => require('child_process').execFileSync('true')),
  };
  if (!isMainThread) parentPort.postMessage(found);
  else new Worker(__filename, { workerData: [key, own, cwd] }).on('message', (worker) => console.log(JSON.stringify({ main: found, worker })));
`;

test('the compiler reads the package and nothing secret', (t) => {
  const base = scratchDir(t);
  const own = join(base, 'run', 'project');
  const cwd = join(base, 'run', 'cwd');
  mkdirSync(cwd, { recursive: true });
  writeTree(base, { 'secret/private_key': 'KEY', 'run/project/app.js': 'APP', 'run/project/probe.cjs': PROBE });
  const options = confinedNodeOptions({ inherited: '--max-old-space-size=512', read: [own], write: [cwd], secrets: join(base, 'secret') });
  const { stdout, stderr } = spawnSync(process.execPath, [join(own, 'probe.cjs'), join(base, 'secret/private_key'), own, cwd], {
    env: { PATH: process.env.PATH, NODE_OPTIONS: options },
    encoding: 'utf8',
  });
  const found = JSON.parse(stdout || `"${stderr}"`);
  const denied = 'ERR_ACCESS_DENIED';
  const expected = { key: denied, climbing: denied, own: 'APP', write: denied, scratch: 'undefined', process: denied };
  assert.deepEqual(found, { main: expected, worker: expected });
});

test('a key inside what the compiler may read is refused', (t) => {
  const base = scratchDir(t);
  mkdirSync(join(base, 'project', 'secret'), { recursive: true });
  assert.throws(() => confinedNodeOptions({ read: [join(base, 'project')], write: [], secrets: join(base, 'project', 'secret') }), /may read/);
});
