// The entry point in the image: `node /worker/bytedance/driver.mjs prepare|deliver`. Names the stages; does nothing itself.

import { runStage } from '../lib/stage.mjs';
import { deliver } from './deliver.mjs';
import { prepare } from './prepare.mjs';

runStage({ prepare, deliver }, { timeout: { code: 'vendor_timeout', message: 'tt-ide-cli did not finish in time' } });
