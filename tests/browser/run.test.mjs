// Everything in one process, so that the parts share the outside world and the browser.

import './publish.test.mjs';
import './looks.test.mjs';
import './manage.test.mjs';
import './noscript.test.mjs';
import './updates.test.mjs';
import './people.test.mjs';
import './log.test.mjs';
import './roles.test.mjs';
import './history.test.mjs';
