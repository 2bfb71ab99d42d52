// Which lines match, as far as known: stretches of the log that were searched. Knows no server and no page.

export class Hits {
  total = 0;
  #known = []; // {from, to, lines, rank}: every match of from..to; `rank` matches come before them, or NaN

  /** Every match in `from..to`, ascending; `rank` is how many come before, if that is known. */
  add(from, to, lines, rank = NaN) {
    if (to < from) return;
    const end = this.#known.at(-1);
    if (end?.to === from - 1) {
      // A log that grows, again and again.
      end.lines.push(...lines);
      end.to = to;
      return;
    }
    const merged = { from, to, lines, rank };
    const rest = [];
    for (const one of this.#known) {
      if (one.to < merged.from - 1 || one.from > merged.to + 1) {
        rest.push(one);
        continue;
      }
      const before = one.lines.filter((n) => n < merged.from);
      const after = one.lines.filter((n) => n > merged.to);
      if (one.from <= merged.from && !Number.isNaN(one.rank)) merged.rank = one.rank;
      else if (Number.isNaN(merged.rank) && !Number.isNaN(one.rank)) merged.rank = one.rank - merged.lines.filter((n) => n < one.from).length;
      else if (before.length) merged.rank -= before.length;
      merged.lines = [...before, ...merged.lines, ...after];
      merged.from = Math.min(merged.from, one.from);
      merged.to = Math.max(merged.to, one.to);
    }
    rest.push(merged);
    this.#known = rest.sort((a, b) => a.from - b.from);
  }

  /** The first match after line `n` → {n, i} with its number from 1 on, {ask: line} where nobody looked yet, or null up to `end`. */
  after(n, end) {
    let want = n + 1;
    for (const { from, to, lines, rank } of this.#known) {
      if (to < want) continue;
      if (from > want) break;
      const i = lines.findIndex((line) => line >= want);
      if (i >= 0) return { n: lines[i], i: rank + i + 1 };
      want = to + 1;
    }
    return want > end ? null : { ask: want };
  }

  /** The last match before line `n` → {n, i}, {ask: line}: the last that nobody looked at, or null. */
  before(n) {
    let want = n - 1;
    for (const { from, to, lines, rank } of [...this.#known].reverse()) {
      if (from > want) continue;
      if (to < want) break;
      const i = lines.findLastIndex((line) => line <= want);
      if (i >= 0) return { n: lines[i], i: rank + i + 1 };
      want = from - 1;
    }
    return want < 1 ? null : { ask: want };
  }
}
