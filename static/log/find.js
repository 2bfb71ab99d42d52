// The bar that drops in: a field, how many matches, one after another.

import { say } from '../words.js';
import { search } from './search.js';

export function findBar(viewer, { form, field, hits, button, previous, close }) {
  let shownQuery = '';

  const found = search(viewer.log.dataset.url, {
    line: (n) => viewer.line(n),
    last: () => viewer.last,
    onChange: show,
  });
  let current = null;
  let aim = 0; // a line whose match must come into view, once it is there

  /** In a line that is long, the match may be far from its beginning. */
  function toMatch() {
    const { pane, rows } = viewer;
    const row = aim && pane.element(aim);
    if (!row || row.classList.contains('line-wait')) return;
    const mark = row.querySelector('mark')?.getBoundingClientRect();
    const n = aim;
    aim = 0;
    if (!mark) return;
    const view = pane.pane.getBoundingClientRect();
    const text = row.lastElementChild.getBoundingClientRect().left + pane.pane.scrollLeft;
    if (mark.left < text || mark.right > view.right - 24) pane.pane.scrollLeft += mark.left - (text + view.right) / 2;
    if (mark.top > view.top + 48 && mark.bottom < view.bottom - 16) return;
    pane.hold(rows.ofLine(n), pane.topOf(rows.ofLine(n)) + view.top + 0.4 * view.height - mark.top);
    viewer.draw();
  }

  function show(state) {
    form.toggleAttribute('data-busy', state.busy);
    hits.textContent = words(state);
    const query = state.find?.query ?? '';
    if (query === shownQuery) return;
    shownQuery = query;
    viewer.find = state.find;
    viewer.repaint();
  }

  function words({ find, hits: { total }, busy, failed, counted, partial }) {
    if (!find) return '';
    if (failed) return say('log.search_failed');
    if (busy && !counted) return say('log.searching');
    if (!total) return busy ? say('log.searching') : say('log.no_hits');
    const at = current ? (Number.isNaN(current.i) ? '…' : current.i) : 0;
    return partial ? say('log.hits_more', { i: at, n: total }) : say('log.hits', { i: at, n: total });
  }

  async function step(by) {
    if (!field.value) return open();
    const from = current?.n ?? start(by);
    const asked = found.state;
    const next = await found.step(from, by);
    if (!next || asked !== found.state) return;
    current = next;
    viewer.at = next.n;
    aim = next.n;
    viewer.reveal(next.n);
    show(found.state);
  }

  /** Who looks at a place wants what comes there; who is at the end, the first of all. */
  function start(by) {
    const { pane, rows } = viewer;
    const row = rows.at(by > 0 ? pane.first.row : pane.last);
    if (by > 0 && (pane.seen.end || pane.seen.top)) return 0;
    if (by < 0 && pane.seen.end) return viewer.last + 1;
    return (row.n || rows.groups[row.g].n) - Math.sign(by);
  }

  /** The bar takes its room from the top of the log: the lines stay where they are on the screen. */
  function drop(down) {
    const { log, pane } = viewer;
    const top = () => log.getBoundingClientRect().top;
    const before = top();
    form.hidden = !down;
    button.setAttribute('aria-expanded', String(down));
    const by = top() - before;
    if (!by || !pane.total) return;
    const still = pane.atEnd || (pane.seen.top && down);
    if (!still) pane.hold(pane.first.row, pane.first.y - by);
    viewer.draw();
  }

  function open() {
    if (form.hidden) drop(true);
    field.focus();
    field.select();
    if (field.value && !found.state.find) look();
  }

  function shut() {
    const focused = form.contains(document.activeElement);
    drop(false);
    forget();
    found.look('');
    if (focused) (opener?.isConnected ? opener : button).focus({ preventScroll: true });
  }

  function forget() {
    current = null;
    viewer.at = 0;
  }

  function look() {
    forget();
    found.look(field.value);
  }

  let opener = null;
  const begin = () => {
    if (form.hidden) opener = document.activeElement === document.body ? viewer.log : document.activeElement;
    open();
  };

  button.hidden = false;
  button.addEventListener('click', () => (form.hidden ? begin() : shut()));
  field.addEventListener('input', look);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    step(1);
  });
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.shiftKey && event.target === field) {
      event.preventDefault();
      step(-1);
    }
    if (event.key === 'Escape') {
      event.preventDefault();
      shut();
    }
  });
  previous.addEventListener('click', () => step(-1));
  close.addEventListener('click', shut);
  viewer.addEventListener('lines', () => found.grew());
  viewer.addEventListener('render', toMatch);

  return { open: begin, step };
}
