// Runs one stage of a driver from job.json to result.json and ends the process, whatever the vendor's tool does. Knows no platform.

import { createEvents } from './events.mjs';
import { Failure } from './failure.mjs';
import { readJob } from './job.mjs';
import { killDescendants } from './processes.mjs';
import { clearResult, failed, problemWith, writeResult } from './result.mjs';
import { enterScratch } from './scratch.mjs';

const SILENT = { code: 'worker_ended_early', message: 'the vendor tool stopped without an answer' };
const TIMEOUT = { code: 'vendor_timeout', message: 'the vendor tool did not finish in time' };

/**
 * `stages` maps a stage name to `async ({job, events, scratch}) => result`. `silent` and `timeout` name the verdicts
 * for a tool that ends without settling its promise (an out-of-memory kill of its child does that) and for a hang.
 */
export function runStage(stages, { argv = process.argv.slice(2), silent = SILENT, timeout = TIMEOUT } = {}) {
  const [stage, path = '/job/job.json'] = argv;
  if (!Object.hasOwn(stages, stage)) {
    console.error(`usage: driver.mjs ${Object.keys(stages).join('|')} [job.json]`);
    process.exit(2);
  }
  let job;
  try {
    job = readJob(path, stage);
    clearResult(job.out);
  } catch (error) {
    // Without a job there is no trusted place to write to.
    console.error(`${error.code ?? 'worker_error'}: ${error.message}`);
    process.exit(2);
  }
  const events = createEvents(job.nonce);
  let scratch;
  let over = false;
  const finish = (result) => {
    if (over) return;
    over = true;
    const problem = problemWith(result);
    const verdict = problem === null ? result : failed(new Failure('worker_error', `the driver made an invalid result: ${problem}`));
    tidy(killDescendants);
    try {
      writeResult(job.out, verdict);
    } catch (error) {
      console.error(`cannot write the result: ${error.message}`);
      process.exit(3);
    }
    tidy(() => scratch?.remove());
    if (!verdict.ok) events.log(`${verdict.code}: ${verdict.message}`);
    leave(verdict.ok ? 0 : 1);
  };
  const end = ({ code, message }) => finish({ ok: false, code, message });

  // A reader that goes away must not turn a finished upload into a crash.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  process.on('uncaughtException', (error) => finish(failed(error, 'worker_crashed')));
  process.on('unhandledRejection', (error) => finish(failed(error, 'worker_crashed')));
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => end({ code: 'terminated', message: `stopped by ${signal}` }));
  }
  process.on('beforeExit', () => end(silent));
  // Unreferenced: a pending watchdog would keep alive a process whose tool has already died.
  setTimeout(() => end({ ...timeout, message: `${timeout.message} (${job.timeout_seconds} s)` }), job.timeout_seconds * 1000).unref();

  const work = async () => {
    scratch = enterScratch();
    return stages[stage]({ job, events, scratch });
  };
  work().then(finish, (error) => finish(failed(error)));
}

/** The last lines are still on their way where standard output is a socket; a reader that is stuck must not keep us. */
function leave(status) {
  const exit = () => {
    // Until here the vendor's tool went on, and could have begun another process.
    tidy(killDescendants);
    process.exit(status);
  };
  setTimeout(exit, 2000);
  process.stdout.write('', exit);
}

/** Cleaning up must not cost a verdict. */
function tidy(action) {
  try {
    action();
  } catch (error) {
    console.error(`clean-up: ${error.message}`);
  }
}
