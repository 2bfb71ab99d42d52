// The entry point in the image: `node /worker/wechat/driver.mjs prepare|deliver`. Names the stages; does nothing itself.

import { runStage } from '../lib/stage.mjs';
import { deliver } from './deliver.mjs';
import { prepare } from './prepare.mjs';

runStage(
  { prepare, deliver },
  {
    // Measured: when the forked compiler is killed the vendor's promise never settles and Node would leave with status 0.
    silent: { code: 'compile_child_died', message: "the vendor tool's compile process died without an answer, most likely out of memory" },
    timeout: { code: 'vendor_timeout', message: 'miniprogram-ci did not finish in time' },
  },
);
