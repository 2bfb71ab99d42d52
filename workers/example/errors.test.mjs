// Every row of the error table recognises its sample, and no earlier row takes it. The server tests the same samples.

import { testErrors } from '../testing/errors.mjs';

testErrors(import.meta.url, ['vendor_timeout', 'terminated', 'worker_failed']);
