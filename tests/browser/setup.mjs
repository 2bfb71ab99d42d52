// The world of the tests; it goes when they are over, whatever their outcome.

import { after } from 'node:test';
import { tearDown } from './world.mjs';

export { browser, outside, password, root, scratch, serve } from './world.mjs';

after(tearDown);
for (const signal of ['SIGINT', 'SIGTERM']) {
  // The runner's own listener would end the process in the middle of this.
  process.removeAllListeners(signal);
  process.once(signal, () => {
    process.stdout.on('error', () => {}); // whoever read it may be gone
    tearDown().finally(() => process.exit(130));
  });
}
