// Between the scrollbar and the log: browsers cap an element's height, a log may be higher. Pure arithmetic, in pixels.

export const TALLEST = 6_000_000;
/** Near both ends one pixel is one pixel, or the last turns of the wheel would crawl. */
export const ROOM = 20_000;

/** `real`: how far the log can be scrolled if laid out in full; `room`: how far the scroller lets it. */
export function native(real, view) {
  return Math.min(real, TALLEST - view);
}

export function toNative(distance, real, room) {
  const d = Math.min(Math.max(distance, 0), real);
  if (real <= room) return d;
  if (d <= ROOM) return d;
  if (real - d <= ROOM) return room - (real - d);
  return ROOM + ((d - ROOM) * (room - 2 * ROOM)) / (real - 2 * ROOM);
}

export function fromNative(top, real, room) {
  const s = Math.min(Math.max(top, 0), room);
  if (real <= room) return s;
  if (s <= ROOM) return s;
  if (room - s <= ROOM) return real - (room - s);
  return ROOM + ((s - ROOM) * (real - 2 * ROOM)) / (room - 2 * ROOM);
}
