// A driver that misbehaves as its second argument's job says in options.do; for the tests of lib/stage.mjs.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { runStage } from '../lib/stage.mjs';

const acts = {
  ok: ({ job }) => ({ ok: true, version: job.version, sizes: [], vendor: { home: homedir(), cwd: process.cwd() } }),
  invalid: () => ({ ok: true }),
  throw: () => {
    throw Object.assign(new Error('as the vendor said'), { code: 20003, path: 'app.json' });
  },
  crash: () => new Promise(() => setTimeout(() => { throw new Error('out of the blue'); }, 10)),
  silence: () => new Promise(() => {}),
  hang: () => {
    spawn('sleep', ['60'], { stdio: 'ignore' });
    return new Promise(() => setInterval(() => {}, 1000));
  },
  write: () => writeFileSync('here', 'the current directory can be written'),
};

runStage({ prepare: ({ job }) => acts[job.options.do]({ job }), deliver: () => acts.ok }, { silent: { code: 'silent', message: 'nobody answered' } });
