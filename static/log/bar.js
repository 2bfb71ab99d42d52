// The buttons over the log: times, wrapping, folding, the first error, the list of keys. What was chosen stays chosen.

import { say } from '../words.js';
import { WAYS } from './times.js';

const remembered = {
  get(name) {
    try { return localStorage.getItem(`log-${name}`); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`log-${name}`, value); } catch { /* private windows */ }
  },
};

function name(button, text) {
  button.title = text;
  button.setAttribute('aria-label', text);
}

export function bar(viewer, { times, wrap, fold, error, help, keys }) {
  const { log, rows } = viewer;
  const wide = matchMedia('(min-width: 900px)').matches;

  function setTimes(way) {
    viewer.times = way;
    log.dataset.times = way;
    times.setAttribute('aria-pressed', String(way !== 'off'));
    const words = { off: say('log.times_off'), relative: say('log.times_relative'), absolute: say('log.times_absolute') };
    name(times, words[way]);
  }

  function setWrap(on) {
    log.dataset.wrap = String(on);
    wrap.setAttribute('aria-pressed', String(on));
    name(wrap, say('log.wrap'));
  }

  const actions = {
    times() {
      const way = WAYS[(WAYS.indexOf(viewer.times) + 1) % WAYS.length];
      setTimes(way);
      remembered.set('times', way);
      viewer.repaint(true);
    },
    wrap() {
      const on = log.dataset.wrap !== 'true';
      setWrap(on);
      remembered.set('wrap', on);
      viewer.repaint(true);
    },
    fold() {
      viewer.foldAll(!rows.groups.every(({ folded }) => folded));
    },
    error() {
      if (!viewer.error) return;
      viewer.reveal(viewer.error);
      log.focus({ preventScroll: true });
    },
    help() {
      help.showModal();
    },
  };

  function show() {
    const closed = rows.groups.length > 0 && rows.groups.every(({ folded }) => folded);
    fold.hidden = rows.groups.length < 2;
    fold.setAttribute('aria-pressed', String(closed));
    name(fold, closed ? say('log.unfold_all') : say('log.fold_all'));
    error.hidden = !(viewer.error > 0 && viewer.error <= viewer.last);
  }

  const known = remembered.get('times');
  setTimes(WAYS.includes(known) ? known : wide ? 'relative' : 'off');
  setWrap(remembered.get('wrap') !== 'false');
  for (const [button, act] of [[times, 'times'], [wrap, 'wrap'], [fold, 'fold'], [error, 'error'], [keys, 'help']]) {
    button.hidden = false;
    button.addEventListener('click', actions[act]);
  }
  // A click beside it closes it, as Esc does.
  help.addEventListener('click', (event) => {
    if (event.target === help) help.close();
  });
  viewer.addEventListener('render', show);
  show();
  return actions;
}
