// For those who listen: a few sentences, never the log itself. And the connection, as a dot and a word.

import { say } from '../words.js';

const EVERY = 15_000;

export function told(viewer, { status, state, stageName }) {
  let lost = false;
  let last = 0;
  let waiting = 0;
  let timer = 0;

  const tell = (text) => {
    status.textContent = text;
  };

  viewer.addEventListener('stage', ({ detail }) => tell(say('log.stage', { stage: stageName(detail) })));
  viewer.addEventListener('lines', ({ detail: { from, to } }) => {
    if (viewer.pane.atEnd) return;
    waiting += to - from + 1;
    timer ||= setTimeout(() => {
      timer = 0;
      last = Date.now();
      if (!viewer.pane.atEnd && waiting) tell(say('log.fresh', { n: waiting }));
      waiting = 0;
    }, Math.max(1000, last + EVERY - Date.now()));
  });

  function show(name, text) {
    state.dataset.live = name;
    state.lastElementChild.textContent = text;
    state.hidden = false;
  }

  return {
    connection(now) {
      if (now === 'open') {
        show('open', say('log.live'));
        if (lost) tell(say('log.back'));
        lost = false;
      } else if (now === 'waiting') {
        show('waiting', say('log.reconnecting'));
        if (!lost) tell(say('log.lost'));
        lost = true;
      } else if (now === 'connecting' && !lost) {
        show('connecting', say('log.connecting'));
      }
    },
    ended(text) {
      show('ended', say('log.ended'));
      if (text) tell(text);
    },
  };
}
