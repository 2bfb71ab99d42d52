// The entry point in the image: `node /worker/alipay/driver.mjs prepare|deliver`. Names the stages; does nothing itself.

import { runStage } from '../lib/stage.mjs';
import { deliver } from './deliver.mjs';
import { prepare } from './prepare.mjs';

runStage(
  { prepare, deliver },
  { timeout: { code: 'vendor_timeout', message: 'minidev did not finish in time' } },
);
