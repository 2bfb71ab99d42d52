// What the options `do` and `at` make the example do instead of its work, so that tests see how the server takes it. Not for a copy.

import { once } from 'node:events';
import { Failure } from '../lib/failure.mjs';

const SPAM_LINES = 100_000;

const tricks = {
  ok: () => {},
  'no-qr': () => {},
  fail: () => {
    throw new Failure('example_refused', 'the example was asked to refuse');
  },
  // Ends at the job's time limit.
  hang: () => new Promise(() => setInterval(() => {}, 1000)),
  // Nothing is left to do and nobody answered: what a tool does whose child was killed.
  silent: () => new Promise(() => {}),
  'ignore-term': ({ events }) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.removeAllListeners(signal).on(signal, () => events.log(`${signal} is ignored`));
    events.log('signals are ignored from here on');
    return tricks.hang();
  },
  spam: async ({ events }) => {
    for (let n = 1; n <= SPAM_LINES; n += 1) {
      events.log(`spam ${n} of ${SPAM_LINES} ${'.'.repeat(60)}`);
      if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
    }
  },
};

export async function misbehave(stage, { job, events }) {
  const { do: trick = 'ok', at = 'deliver' } = job.options;
  if (!Object.hasOwn(tricks, trick)) throw new Failure('trick_unknown', `the example cannot do "${trick}"`);
  if (at === stage) await tricks[trick]({ events });
}

export const mayDraw = (job) => job.options.do !== 'no-qr';
