// Fetches the lines in view that are not at hand, then their neighbours; what is out of view by then is given up.

import { split, unpack } from './frames.js';

const AROUND = 1000;
const PAUSE = 80; // between requests, while somebody drags the scrollbar through a long log

export function history(url, store, onLoad) {
  let view = null; // [from, to, last]
  let running = null; // {from, to, stop}
  let started = -Infinity;
  let failures = 0;
  let timer = 0;

  async function* frames(from, to, signal) {
    const answer = await fetch(`${url}/log/chunks?from=${from}&to=${to}`, { signal });
    if (!answer.ok) throw new Error(`${answer.status} for lines ${from}-${to}`);
    for (const frame of split(await answer.arrayBuffer())) yield await unpack(frame);
  }

  async function load(from, to) {
    const stop = new AbortController();
    const mine = { from, to, stop };
    running = mine;
    started = performance.now();
    let next = from;
    try {
      for await (const block of frames(from, to, stop.signal)) {
        if (stop.signal.aborted) return;
        if (block.first <= next) next = Math.max(next, block.first + block.count);
        store.add(block, { keep: view });
        onLoad();
      }
      if (next === from) throw new Error(`no lines for ${from}-${to}`);
      failures = 0;
    } catch {
      if (!stop.signal.aborted) failures += 1;
    }
    if (running !== mine) return;
    running = null;
    look();
  }

  function look() {
    clearTimeout(timer);
    if (!view) return;
    const [from, to, last] = view;
    const seen = store.missing(from, to);
    const gap = seen ?? store.missing(Math.max(1, from - AROUND), Math.min(last, to + AROUND));
    if (!gap) return;
    if (running && (!seen || (seen[0] >= running.from && seen[0] <= running.to))) return;
    const wait = started + (failures ? Math.min(30_000, 500 * 2 ** failures) : PAUSE) - performance.now();
    if (wait > 0 && (seen || failures)) {
      timer = setTimeout(look, wait);
      return;
    }
    running?.stop.abort();
    load(...gap);
  }

  return {
    /** These lines are in view, `last` is the last there is. */
    want(from, to, last) {
      view = [from, to, last];
      look();
    },
    /** Blocks that cover `from..to`, past the bounded store. */
    async *read(from, to, signal) {
      for (let next = from; next <= to;) {
        const before = next;
        for await (const block of frames(next, to, signal)) {
          yield block;
          next = Math.max(next, block.first + block.count);
        }
        if (next === before) throw new Error(`no lines from ${next} on`);
      }
    },
  };
}
