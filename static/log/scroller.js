// The scrollbar's side: turns what a visitor does to it into moves of the pane, and puts the thumb where the pane is.
// While a finger or the wheel moves the log, nothing here writes to the scrollbar: that would stop the momentum.

import { PAD } from './pane.js';
import { ROOM, TALLEST, fromNative, native, toNative } from './scale.js';

const SETTLED = 140;
const GESTURE = 400;

export function scroller({ log, space, pane: frame }, pane, onMove) {
  let last = 0; // where the scrollbar was left
  let timer = 0;
  let touched = false;
  let dragged = false;
  let gesture = -Infinity;
  let moved = -Infinity;
  let sized = -Infinity;
  let tallness = 0;

  /** Pixels above the top of the view, and in all, as far as known. */
  function measure() {
    const { total, heights, height } = pane;
    if (pane.whole) return { distance: -pane.y, real: Math.max(0, pane.content + PAD - height) };
    const real = Math.max(1, total * heights.average + PAD - height);
    const { row, y } = pane.first;
    const below = total - 1 - pane.last;
    const near = ROOM / heights.average;
    if (row < near) return { distance: sum(0, row) - y, real };
    if (below < near) {
      const end = pane.topOf(pane.last) + pane.guess(pane.last) + PAD - height;
      return { distance: real - end - sum(pane.last + 1, total), real };
    }
    return { distance: row * heights.average - y, real };
  }

  const sum = (from, to) => {
    let pixels = 0;
    for (let row = from; row < to; row += 1) pixels += pane.guess(row);
    return pixels;
  };

  /** Puts the scrollbar where the pane is. */
  function sync() {
    clearTimeout(timer);
    timer = 0;
    if (pane.total === 0) {
      space.style.height = '48px';
      return;
    }
    const { distance, real } = measure();
    const view = pane.height;
    const room = native(real, log.clientHeight);
    const tall = Math.min(pane.whole ? pane.content + PAD : room + log.clientHeight, TALLEST);
    const text = `${Math.max(1, Math.round(tall))}px`;
    // At the end of a log that grows the scrollbar stands still anyway: its length may come a little later.
    const soon = pane.atEnd && tallness > 3 * view && performance.now() - sized < 400;
    if (!soon && space.style.height !== text) {
      space.style.height = text;
      sized = performance.now();
      tallness = tall;
    }
    // At an end there is no way further, and away from it there is.
    const free = log.scrollHeight - log.clientHeight;
    let top = toNative(distance, real, free);
    if (pane.seen.top) top = 0;
    else if (pane.seen.end) top = free;
    else top = Math.min(Math.max(top, Math.min(view, 1)), free - 1);
    if (Math.abs(log.scrollTop - top) >= 1) log.scrollTop = Math.round(top);
    last = log.scrollTop;
    // A box that is as high as its log has another height now.
    if (log.clientHeight !== frame.clientHeight && pane.whole) {
      pane.resize();
      pane.layout();
    }
  }

  function settle() {
    clearTimeout(timer);
    timer = setTimeout(() => (touched || dragged || performance.now() - moved < SETTLED ? settle() : sync()), SETTLED);
  }

  /** The row at a place of the scrollbar. */
  function jump(top) {
    const view = pane.height;
    const free = log.scrollHeight - log.clientHeight;
    const { real } = measure();
    const distance = fromNative(top, real, free);
    const average = pane.heights.average;
    if (top <= 0) pane.hold(0, 0);
    else if (top >= free - 1) {
      pane.hold(pane.total - 1, view - pane.guess(pane.total - 1));
    } else if (real - distance < ROOM) {
      let row = pane.total - 1;
      let y = real - distance + view - PAD - pane.guess(row);
      while (row > 0 && y > 0) y -= pane.guess(--row);
      pane.hold(row, y);
    } else {
      const row = Math.min(pane.total - 1, Math.floor(distance / average));
      pane.hold(row, -(distance - row * average));
    }
    pane.layout();
  }

  log.addEventListener('scroll', () => {
    const top = log.scrollTop;
    const by = top - last;
    if (Math.abs(by) < 0.5 || pane.total === 0) return;
    // Browsers round: what was put at an end may come back a pixel off.
    if (Math.abs(by) < 2 && !dragged && performance.now() - gesture > GESTURE) {
      settle();
      return;
    }
    last = top;
    moved = performance.now();
    const free = log.scrollHeight - log.clientHeight;
    if (Math.abs(by) > 2 * pane.height) jump(top);
    else pane.moveBy(by);
    if ((top <= 0 && !pane.seen.top) || (top >= free - 1 && !pane.seen.end)) {
      // The scrollbar has come to its end, the log has not. Who turns a wheel goes on; who put the thumb there meant the end.
      if (!dragged && moved - gesture < GESTURE) sync();
      else jump(top);
    }
    settle();
    onMove(by);
  }, { passive: true });

  log.addEventListener('wheel', () => { gesture = performance.now(); }, { passive: true });
  const finger = (event) => {
    touched = event.touches.length > 0;
    gesture = performance.now() + (touched ? 0 : 2000); // momentum
  };
  for (const type of ['touchstart', 'touchmove', 'touchend', 'touchcancel']) log.addEventListener(type, finger, { passive: true });
  log.addEventListener('pointerdown', (event) => {
    dragged = event.target === log && event.offsetX >= log.clientWidth;
  });
  // The end of a drag of the scrollbar is told in no other way.
  const released = (event) => {
    if (dragged && event.buttons === 0) {
      dragged = false;
      settle();
    }
  };
  for (const type of ['pointerup', 'pointermove', 'wheel', 'keydown', 'mousemove']) document.addEventListener(type, (event) => released({ buttons: event.buttons ?? 0 }), { passive: true });
  // A focus, or the browser's own search, may scroll the pane instead of the log.
  frame.addEventListener('scroll', () => {
    if (!frame.scrollTop) return;
    const by = frame.scrollTop;
    frame.scrollTop = 0;
    move(by);
  });

  function move(pixels) {
    pane.moveBy(pixels);
    sync();
    onMove(pixels);
  }

  return {
    sync,
    settle: () => timer || settle(),
    move,
    get busy() {
      return touched || dragged || performance.now() - moved < SETTLED;
    },
  };
}
