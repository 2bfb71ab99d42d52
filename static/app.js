// Every page loads this. Without it the pages still work; they only stand still.

import './frame.js';
import './forms.js';
import './copy.js';
import './more.js';
import { applyFragment } from './fragments.js';
import { live } from './live.js';
import { tell } from './notices.js';

export { copyText } from './copy.js';
export { tick } from './times.js';
export { toast } from './toasts.js';
export { applyFragment, live };

const feed = document.body.dataset.live;
if (feed) {
  live('page', () => feed, (frame) => {
    for (const fragment of frame.fragments || []) applyFragment(fragment);
    if (frame.notice) tell(frame.notice);
  });
}
