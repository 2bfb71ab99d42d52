// The window onto the rows: keeps those in view in the page, laid out from an anchor (a row and where its top is), because rows
// differ in height and most are never seen. Knows no scrollbar and no log text: `paint(key, element)` makes and refreshes a row.

import { heights } from './heights.js';

const OVER = 400; // rendered beyond both edges: scrolling a little moves, and makes nothing
export const PAD = 8; // under the last line
const MOST = 600;
const SHORT = 120; // rows

export class Pane {
  atEnd = true; // wants to stay at the last row
  anchor = null; // {key, y} otherwise
  lo = 0;
  hi = -1;
  y = 0; // of the top of row `lo`
  height = 0;
  width = 0;
  seen = { top: true, end: true }; // what of the log's ends is in view
  #elements = new Map();
  #sizes = []; // heights of lo..hi
  #widest = 0;
  #outer = -1;

  constructor(parts, rows, paint) {
    Object.assign(this, parts); // log, pane, host, list
    this.rows = rows;
    this.paint = paint;
    this.heights = heights();
  }

  /** Takes the size of the scroller; rows wrap differently when it got wider or narrower. */
  resize() {
    const { clientHeight, clientWidth } = this.log;
    if (clientHeight !== this.#outer) this.pane.style.height = `${clientHeight}px`;
    if (clientWidth !== this.width) {
      this.pane.style.setProperty('--log-w', `${clientWidth}px`);
      this.forget();
    }
    this.#outer = clientHeight;
    this.width = clientWidth;
    this.height = this.pane.clientHeight;
  }

  /** Heights are not what they were. */
  forget() {
    this.heights.clear();
    this.#widest = 0;
    this.list.style.minWidth = '';
    for (const element of this.#elements.values()) element.measured = false;
  }

  get total() {
    return this.rows.total;
  }

  guess(row) {
    return this.heights.of(this.rows.key(row));
  }

  /** Height of all rows of the window, and of what stands under the last. */
  get content() {
    return this.#sizes.reduce((sum, h) => sum + h, 0);
  }

  get whole() {
    return this.lo === 0 && this.hi === this.total - 1;
  }

  /** The first row of which something is in view → {row, y}. */
  get first() {
    let y = this.y;
    let row = this.lo;
    for (; row < this.hi && y + this.#sizes[row - this.lo] <= 0; row += 1) y += this.#sizes[row - this.lo];
    return { row, y };
  }

  /** The last row of which something is in view. */
  get last() {
    let y = this.y;
    let row = this.lo;
    for (; row < this.hi && y + this.#sizes[row - this.lo] < this.height; row += 1) y += this.#sizes[row - this.lo];
    return row;
  }

  topOf(row) {
    return this.#sizes.slice(0, row - this.lo).reduce((sum, h) => sum + h, this.y);
  }

  /** The element of a row, while it is in the window. */
  element(key) {
    return this.#elements.get(key);
  }

  hold(row = this.first.row, y = this.first.y) {
    this.atEnd = false;
    this.anchor = { key: this.rows.key(row), y };
  }

  moveBy(pixels) {
    const { row, y } = this.first;
    this.hold(row, y - pixels);
    const top = this.y - pixels;
    const covers = top <= 0 && top + this.content >= this.height;
    if (!covers) return this.layout();
    this.y = top;
    this.#place();
  }

  layout() {
    const { total, height } = this;
    const focused = this.pane.contains(document.activeElement) ? document.activeElement : null;
    if (total === 0) return;
    const pivot = Math.min(this.atEnd || !this.anchor ? total - 1 : this.rows.ofKey(this.anchor.key), total - 1);
    let y = this.atEnd ? height - PAD - this.guess(pivot) : this.anchor.y;
    // A far-off anchor would fill the page with rows nobody sees.
    if (Math.abs(y) > 20 * height) y = Math.sign(y) * 20 * height;
    // A short log is there in full, its box is as high as it is. At the end of one that grows every row is new: none for nothing.
    const over = total <= SHORT ? Infinity : this.atEnd ? 40 : OVER;
    let lo = pivot;
    let hi = pivot;
    for (let top = y; lo > 0 && top > -over && pivot - lo < MOST; ) top -= this.guess(--lo);
    for (let bottom = y + this.guess(hi); hi < total - 1 && bottom < height + over && hi - pivot < MOST; ) bottom += this.guess(++hi);
    for (let pass = 0; pass < 5; pass += 1) {
      this.#draw(lo, hi);
      const content = this.content;
      const above = this.#sizes.slice(0, pivot - lo).reduce((sum, h) => sum + h, 0);
      let top = this.atEnd ? height - PAD - content : y - above;
      if (hi === total - 1) top = Math.max(top, height - PAD - content);
      if (lo === 0) top = Math.min(top, 0);
      this.y = top;
      if (top > 0) lo = Math.max(0, lo - this.heights.rows(top + OVER));
      else if (top + content < height && hi < total - 1) hi = Math.min(total - 1, hi + this.heights.rows(height - top - content + OVER));
      else break;
    }
    this.#place();
    if (focused && document.activeElement !== focused) (focused.isConnected ? focused : this.log).focus({ preventScroll: true });
  }

  /** Puts rows lo..hi into the page, in order, and measures those that are new. */
  #draw(lo, hi) {
    const old = this.#elements;
    const keys = Array.from({ length: hi - lo + 1 }, (_, i) => this.rows.key(lo + i));
    const wanted = new Set(keys);
    // First those that go: what stays must not move, or it would lose focus and selection.
    for (const [key, element] of old) if (!wanted.has(key)) element.remove();
    this.#elements = new Map();
    const fresh = [];
    let next = this.list.firstChild;
    for (const key of keys) {
      const element = this.paint(key, old.get(key) ?? this.#hosted(key));
      element.key = key;
      if (element === next) next = next.nextSibling;
      else this.list.insertBefore(element, next);
      if (!element.measured) fresh.push(element);
      this.#elements.set(key, element);
    }
    for (const element of fresh) {
      element.measured = true;
      this.heights.set(element.key, element.getBoundingClientRect().height, element.classList.contains('line-wait'));
    }
    this.lo = lo;
    this.hi = hi;
    this.#sizes = keys.map((key) => this.heights.of(key));
    if (this.pane.scrollWidth > Math.max(this.#widest, this.width)) {
      this.#widest = this.pane.scrollWidth;
      this.list.style.minWidth = `${this.#widest}px`;
    }
  }

  #hosted(key) {
    const element = this.host.firstChild;
    return element?.key === key ? element : undefined;
  }

  #place() {
    const { first } = this;
    const end = this.y + this.content;
    // Scrollbars round: a few pixels are none.
    this.seen = { top: this.lo === 0 && this.y > -2, end: this.hi === this.total - 1 && end < this.height - PAD + 4 };
    this.list.style.transform = `translateY(${Math.round(this.y)}px)`;
    this.#stick(first);
    // A clamped anchor must not drift away behind the edge.
    if (!this.atEnd && (this.seen.top || this.seen.end)) this.hold(first.row, first.y);
  }

  /** The header of the first stage in view stays at the top, until the next one pushes it out. */
  #stick({ row, y }) {
    const { g } = this.rows.at(row);
    const own = this.rows.ofGroup(g);
    const key = this.rows.key(own);
    const inside = own >= this.lo;
    const element = inside ? this.#elements.get(key) : this.paint(key, this.#hosted(key));
    element.key = key;
    if (this.stuck && this.stuck !== element) this.#free(this.stuck);
    if (own === row && y >= 0) {
      this.host.replaceChildren();
      return this.#free(element);
    }
    this.stuck = element;
    element.classList.add('stuck');
    if (inside) this.host.replaceChildren();
    else if (this.host.firstChild !== element) this.host.replaceChildren(element);
    const next = g + 1 < this.rows.groups.length ? this.rows.ofGroup(g + 1) : Infinity;
    const room = next <= this.hi ? this.topOf(next) - this.heights.of(key) : 0;
    element.style.transform = `translateY(${Math.round(Math.min(0, room) - (inside ? this.topOf(own) : 0))}px)`;
  }

  #free(element) {
    element.classList.remove('stuck');
    element.style.transform = '';
    if (this.stuck === element) this.stuck = null;
  }
}
