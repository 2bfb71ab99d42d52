// The lines at hand: a bounded set of blocks, the least recently read go first. What went can be fetched again.

import { lineOf } from './frames.js';

const OVERHEAD = 400; // of a block of one line, in bytes, more or less

export class Store {
  #views = []; // {lo, hi, block, rough, used, cost}, ascending, without overlap
  #clock = 0;
  #cost = 0;

  constructor(limit = 8 << 20) {
    this.limit = limit;
  }

  get cost() {
    return this.#cost;
  }

  /** `rough` blocks are only for show: anything else replaces them. `keep` are the lines that must stay. */
  add(block, { rough = false, keep } = {}) {
    let lo = block.first;
    const end = block.first + block.count - 1;
    if (!rough) this.#clear(lo, end);
    const parts = [];
    for (const view of this.#views) {
      if (view.hi < lo) continue;
      if (view.lo > end) break;
      if (view.lo > lo) parts.push([lo, view.lo - 1]);
      lo = view.hi + 1;
    }
    if (lo <= end) parts.push([lo, end]);
    for (const [from, to] of parts) this.#insert({ lo: from, hi: to, block, rough, used: ++this.#clock });
    if (this.#cost > this.limit) this.#evict(keep);
  }

  /** The block that holds line `n`, or undefined. */
  block(n) {
    const view = this.#views[this.#find(n)];
    if (!view || view.lo > n) return undefined;
    view.used = ++this.#clock;
    return view.block;
  }

  line(n) {
    const block = this.block(n);
    return block && lineOf(block, n);
  }

  /** The first stretch of `from..to` that has to be fetched → [from, to] or null. */
  missing(from, to) {
    for (let i = this.#find(from); from <= to; i += 1) {
      const view = this.#views[i];
      if (!view || view.lo > to) return [from, to];
      if (view.lo > from) return [from, view.lo - 1];
      if (view.rough) return [from, Math.min(view.hi, to)];
      from = view.hi + 1;
    }
    return null;
  }

  /** Index of the first view that ends at `n` or later. */
  #find(n) {
    let low = 0;
    for (let high = this.#views.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#views[middle].hi < n) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(view) {
    const { text, count } = view.block;
    view.cost = Math.ceil((text.length * (view.hi - view.lo + 1)) / count) + 4 * count + OVERHEAD;
    this.#cost += view.cost;
    this.#views.splice(this.#find(view.lo), 0, view);
  }

  /** Makes room for better ones: rough views lose the lines `lo..hi`. */
  #clear(lo, hi) {
    for (const view of this.#views.filter((v) => v.rough && v.lo <= hi && v.hi >= lo)) {
      this.#views.splice(this.#views.indexOf(view), 1);
      this.#cost -= view.cost;
      if (view.lo < lo) this.#insert({ ...view, hi: lo - 1 });
      if (view.hi > hi) this.#insert({ ...view, lo: hi + 1 });
    }
  }

  #evict([from, to] = [0, -1]) {
    const old = this.#views.filter((view) => view.hi < from || view.lo > to).sort((a, b) => a.used - b.used);
    const gone = new Set();
    // Some more at once: sorting for every block that comes would be dear.
    for (const view of old) {
      if (this.#cost <= this.limit * 0.9) break;
      this.#cost -= view.cost;
      gone.add(view);
    }
    this.#views = this.#views.filter((view) => !gone.has(view));
  }
}
