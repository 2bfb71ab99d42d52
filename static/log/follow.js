// Following a log that grows: on while its end is in view, off as soon as somebody looks elsewhere, and a pill that brings back.

import { say } from '../words.js';

export function follow(viewer, { pill, count, toggle }) {
  const { log, pane } = viewer;
  let unseen = 0;

  function show() {
    const on = pane.atEnd;
    if (on) unseen = 0;
    toggle.hidden = !viewer.running;
    toggle.setAttribute('aria-pressed', String(on && viewer.running));
    pill.hidden = on || (unseen === 0 && !viewer.running);
    const text = unseen ? say('log.fresh', { n: unseen }) : say('log.latest');
    if (count.textContent !== text) count.textContent = text;
  }

  function set(on) {
    if (on) viewer.toEnd();
    else if (pane.atEnd && pane.total) pane.hold();
    show();
  }

  viewer.addEventListener('lines', ({ detail: { from, to } }) => {
    if (!pane.atEnd) unseen += to - from + 1;
  });
  viewer.addEventListener('scroll', ({ detail: { by } }) => {
    // Every scroll lets go; arriving at the end takes hold again.
    if (by > 0 && pane.seen.end && viewer.running) viewer.toEnd();
    else show();
  });
  viewer.addEventListener('render', show);
  pill.addEventListener('click', () => {
    set(true);
    log.focus({ preventScroll: true });
  });
  toggle.addEventListener('click', () => set(!pane.atEnd));

  // Before the scrolling begins, or the end would pull against the hand.
  log.addEventListener('wheel', (event) => {
    if (event.deltaY < 0 && !event.ctrlKey && !pane.seen.top) set(false);
  }, { passive: true });
  let finger = 0;
  log.addEventListener('touchstart', (event) => { finger = event.touches[0].clientY; }, { passive: true });
  log.addEventListener('touchmove', (event) => {
    if (event.touches[0].clientY > finger + 4 && !pane.seen.top) set(false);
  }, { passive: true });
  log.addEventListener('pointerdown', (event) => {
    if (event.target === log && event.offsetX >= log.clientWidth) set(false);
  });

  // What somebody is selecting must not run away.
  document.addEventListener('selectionchange', () => {
    const selection = getSelection();
    if (viewer.running && pane.atEnd && !selection.isCollapsed && log.contains(selection.anchorNode)) set(false);
  });

  return {
    toggle: () => viewer.running && set(!pane.atEnd),
    get on() {
      return pane.atEnd;
    },
    get unseen() {
      return unseen;
    },
  };
}
