// Which row stands where: each stage has a header row and, unless it is folded, its lines. Knows numbers, no text, no page.

export class Rows {
  groups = []; // {n, stage, t, folded}: a stage from line `n` on
  last = 0;
  #starts = []; // row of each group's header

  /** `marks`: [{n, stage, t}] ascending; `last`: number of the last line. */
  constructor(marks, last) {
    for (const mark of marks) this.mark(mark);
    this.grow(last);
  }

  get total() {
    const g = this.groups.length - 1;
    return g < 0 ? 0 : this.#starts[g] + 1 + (this.groups[g].folded ? 0 : this.count(g));
  }

  /** Another stage begins at line `n`; the lines before it are known by then. */
  mark({ n, stage, t }) {
    const before = this.groups.at(-1);
    if (before && (before.stage === stage || before.n >= n)) return false;
    this.last = Math.max(this.last, n - 1);
    this.#starts.push(this.total);
    this.groups.push({ n, stage, t, folded: false });
    return true;
  }

  grow(last) {
    // Lines before the first mark, or without any, would have no header to hang on.
    if (last > 0 && this.groups.length === 0) this.mark({ n: 1, stage: 'system', t: NaN });
    this.last = Math.max(this.last, last);
  }

  /** How many lines a group has. */
  count(g) {
    return (this.groups[g + 1]?.n ?? this.last + 1) - this.groups[g].n;
  }

  groupOf(n) {
    return lowest(this.groups.length, (g) => this.groups[g].n > n) - 1;
  }

  /** → {g, n}; `n` is 0 for a header. */
  at(row) {
    const g = lowest(this.#starts.length, (i) => this.#starts[i] > row) - 1;
    const inside = row - this.#starts[g];
    return { g, n: inside === 0 ? 0 : this.groups[g].n + inside - 1 };
  }

  /** The row of line `n`, or of its header where it is folded away. */
  ofLine(n) {
    const g = Math.max(0, this.groupOf(n));
    return this.#starts[g] + (this.groups[g].folded ? 0 : n - this.groups[g].n + 1);
  }

  ofGroup(g) {
    return this.#starts[g];
  }

  /** A name for a row that outlives folding: `n` of a line, `-n` of a header. */
  key(row) {
    const { g, n } = this.at(row);
    return n || -this.groups[g].n;
  }

  ofKey(key) {
    return key > 0 ? this.ofLine(key) : this.ofGroup(this.groupOf(-key));
  }

  fold(g, folded) {
    if (this.groups[g].folded === folded) return;
    this.groups[g].folded = folded;
    this.#recount(g);
  }

  foldAll(folded) {
    for (const group of this.groups) group.folded = folded;
    this.#recount(0);
  }

  #recount(from) {
    for (let g = from + 1; g < this.groups.length; g += 1) {
      this.#starts[g] = this.#starts[g - 1] + 1 + (this.groups[g - 1].folded ? 0 : this.count(g - 1));
    }
  }
}

/** The lowest index for which `above` holds, or `length`. */
function lowest(length, above) {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >> 1;
    if (above(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
