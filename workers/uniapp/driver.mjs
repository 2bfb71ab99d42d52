// The entry point in the image: `node /worker/uniapp/driver.mjs prepare`. There is no deliver: the server publishes the update itself.

import { runStage } from '../lib/stage.mjs';
import { prepare } from './prepare.mjs';

runStage(
  { prepare },
  {
    silent: { code: 'worker_ended_early', message: 'the packer stopped without an answer' },
    timeout: { code: 'pack_timeout', message: 'the folder was not packed in time' },
  },
);
