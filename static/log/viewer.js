// The log on the page: rows in a window, the window in a scroller, lines from the socket and the history.

import { element } from '../dom.js';
import { say } from '../words.js';
import { history } from './history.js';
import { painter } from './painter.js';
import { Pane } from './pane.js';
import { Rows } from './rows.js';
import { scroller } from './scroller.js';
import { seed } from './seed.js';
import { Store } from './store.js';

/** Tells `lines` (some arrived: {from, to}), `scroll` (a visitor moved it: {by}), `stage`, `render`. */
export class Viewer extends EventTarget {
  times = 'off';
  find = null; // from `matcher`
  marked = [0, -1];
  at = 0; // the current hit
  error = 0;
  running;
  ended;
  #store = new Store();
  version = 0; // of what rows show
  #due = 0;

  /** `float`: what stands over the lines. */
  constructor(log, float) {
    super();
    this.log = log;
    this.float = float;
    this.running = log.dataset.over === 'false';
    this.ended = Number(log.dataset.ended) || NaN;
    this.rows = new Rows(JSON.parse(log.dataset.marks || '[]'), Number(log.dataset.last) || 0);
    const seeds = seed(log);
    if (seeds) this.#store.add(seeds, { rough: true });
    this.#takeOver();
    this.history = history(log.dataset.url, this.#store, () => this.refresh());
    new ResizeObserver(() => this.#resized()).observe(log);
  }

  get last() {
    return this.rows.last;
  }

  #takeOver() {
    const { log } = this;
    const host = element('div', 'log-stuck');
    const list = element('div', 'log-rows');
    // What floats over the lines stands in the pane: the wheel turns the log there, too.
    const pane = element('div', 'log-pane', host, this.float, list);
    const space = element('div', 'log-space', pane);
    const parts = { log, space, pane, host, list };
    this.parts = parts;
    this.pane = new Pane(parts, this.rows, painter(this));
    this.pane.heights.base(Number.parseFloat(getComputedStyle(log).lineHeight) || 20);
    this.scroller = scroller(parts, this.pane, (by) => {
      this.#fetch();
      this.dispatchEvent(new CustomEvent('scroll', { detail: { by } }));
    });
    log.classList.add('log-live');
    log.replaceChildren(space);
    this.#digits();
  }

  #digits() {
    this.log.style.setProperty('--digits', Math.max(5, String(this.last).length));
  }

  #resized() {
    const { pane, log } = this;
    if (log.clientHeight === pane.height && log.clientWidth === pane.width) return;
    this.draw();
  }

  /** Lays out anew at the next frame. */
  refresh() {
    if (this.#due) return;
    const draw = () => {
      if (this.#due) this.draw();
    };
    // A hidden tab gets no frames.
    this.#due = document.hidden ? setTimeout(draw, 200) : requestAnimationFrame(draw);
  }

  /** Rows show something else: another query, other times; `sizes`: and may be of another height. */
  repaint(sizes = false) {
    this.version += 1;
    if (sizes) this.pane.forget();
    this.draw();
  }

  draw() {
    this.#due = 0;
    const { pane, scroller } = this;
    pane.resize();
    this.#empty();
    pane.layout();
    if (pane.atEnd || !scroller.busy) scroller.sync();
    else scroller.settle();
    this.#fetch();
    this.dispatchEvent(new Event('render'));
  }

  #empty() {
    const { list } = this.parts;
    if (this.pane.total > 0) {
      list.querySelector('.log-empty')?.remove();
    } else if (!list.firstChild || list.firstChild.running !== this.running) {
      const note = element('p', 'log-empty', this.running ? say('log.waiting') : say('log.none'));
      note.running = this.running;
      list.replaceChildren(note);
    }
  }

  #fetch() {
    const { pane, rows } = this;
    if (pane.total === 0 || pane.hi < pane.lo) return;
    const from = rows.at(pane.first.row);
    const to = rows.at(pane.last);
    const line = ({ g, n }) => n || Math.min(rows.groups[g].n, rows.last);
    this.history.want(line(from), line(to), rows.last);
  }

  /** A block that continues the log. */
  add(block) {
    const { rows } = this;
    const from = rows.last + 1;
    const to = block.first + block.count - 1;
    this.#store.add(block, { keep: [rows.total ? rows.at(this.pane.first.row).n : from, to] });
    for (const run of block.runs) {
      if (run.first + run.count <= from) continue;
      rows.grow(Math.max(from, run.first) - 1);
      if (rows.mark({ n: Math.max(from, run.first), stage: run.stage, t: run.t })) this.dispatchEvent(new CustomEvent('stage', { detail: run.stage }));
      rows.grow(run.first + run.count - 1);
    }
    if (String(to).length !== String(from - 1).length) this.#digits();
    this.dispatchEvent(new CustomEvent('lines', { detail: { from, to } }));
    this.refresh();
  }

  /** The block that holds a line, if it is at hand. */
  block(n) {
    return this.#store.block(n);
  }

  /** A line that is at hand, or undefined. */
  line(n) {
    return this.#store.line(n);
  }

  /** The same as it was written: not one of those that only came with the page. */
  real(n) {
    return this.#store.missing(n, n) ? undefined : this.line(n);
  }

  finish() {
    this.running = false;
    this.ended = this.line(this.last)?.t ?? Date.now();
    if (!(Date.now() - this.ended < 86_400_000)) this.ended = Date.now();
    this.refresh();
  }

  /** Shows line `n` in the middle, unfolded. */
  reveal(n, place = 0.4) {
    const { rows, pane } = this;
    if (n < 1 || n > rows.last) return;
    rows.fold(rows.groupOf(n), false);
    this.#bringIn();
    pane.pane.scrollTop = 0;
    pane.resize();
    pane.hold(rows.ofLine(n), Math.round(pane.height * place));
    this.draw();
  }

  /** A key works anywhere on the page, also where the log is out of sight. */
  #bringIn() {
    const { top, bottom, height } = this.log.getBoundingClientRect();
    const seen = Math.min(bottom, innerHeight) - Math.max(top, 0);
    if (seen < Math.min(height, innerHeight) / 2) this.log.closest('.log-box').scrollIntoView();
  }

  toTop() {
    this.#bringIn();
    if (this.pane.total) this.pane.hold(0, 0);
    this.draw();
  }

  toEnd() {
    this.#bringIn();
    this.pane.atEnd = true;
    this.draw();
  }

  /** Folds or unfolds a stage; what was in view stays there. */
  fold(g, folded) {
    const { rows, pane } = this;
    const row = rows.ofGroup(g);
    const y = row >= pane.lo && row <= pane.hi ? Math.max(0, pane.topOf(row)) : 0;
    rows.fold(g, folded);
    pane.hold(rows.ofGroup(g), y);
    this.draw();
  }

  foldAll(folded) {
    const { rows, pane } = this;
    const { g, n } = rows.at(pane.first.row);
    rows.foldAll(folded);
    pane.hold(folded || !n ? rows.ofGroup(g) : rows.ofLine(n), 0);
    this.draw();
  }
}
