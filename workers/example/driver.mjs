// The example platform: something to copy for a platform of your own (docs/adding-a-platform.md), and the double that tests steer.
// It sends nothing anywhere. This is the entry point in the image: `node /worker/example/driver.mjs prepare|deliver`.

import { runStage } from '../lib/stage.mjs';
import { deliver } from './deliver.mjs';
import { prepare } from './prepare.mjs';

// Reads job.json, calls the stage, writes result.json, and ends the process whatever the vendor's tool does. A second argument
// may say in the vendor's words what silence and a time-out mean: `{ silent: { code, message }, timeout: { code, message } }`.
runStage({ prepare, deliver });
