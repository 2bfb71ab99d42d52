// What the socket brings: frames that continue the log. They unpack one after another, away from what the page does meanwhile.

import { split, unpack } from './frames.js';

/** `onBlock` gets blocks without gap and in order; `onBroken` is told of one that could not be read. */
export function tail(last, onBlock, onBroken) {
  let promised = last; // of what has arrived
  let given = last; // of what `onBlock` has
  let queue = Promise.resolve();
  let round = 0;

  async function pass(frame, mine) {
    if (mine !== round) return;
    let block;
    try {
      block = await unpack(frame);
    } catch {
      broken();
      return;
    }
    if (mine !== round) return;
    given = frame.first + frame.count - 1;
    onBlock(block);
  }

  function broken() {
    round += 1;
    promised = given;
    onBroken();
  }

  return {
    get next() {
      return promised + 1;
    },
    /** Answers false at a gap or a message that is cut short: then the socket must ask again from `next`. */
    take(message) {
      let frames;
      try { frames = split(message); } catch { return false; }
      for (const frame of frames) {
        if (frame.first > promised + 1) return false;
        if (frame.first + frame.count - 1 <= promised) continue;
        promised = frame.first + frame.count - 1;
        const mine = round;
        queue = queue.then(() => pass(frame, mine));
      }
      return true;
    },
    /** When all that has arrived is with `onBlock`. */
    drained: () => queue,
  };
}
