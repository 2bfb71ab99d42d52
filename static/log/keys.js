// Keys: single letters anywhere on the page, and those that scroll where the log has the focus.

const typing = 'input, textarea, select, [contenteditable]:not([contenteditable="false"]), dialog';

/** `actions`: what each letter does. */
export function letters(actions) {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.(typing) || document.querySelector('dialog[open]')) return;
    const act = Object.hasOwn(actions, event.key) && actions[event.key];
    if (!act || (event.repeat && !'nN'.includes(event.key))) return;
    event.preventDefault();
    act();
  });
}

/** The scrollbar of a long log is too coarse for keys: they move the rows themselves. */
export function scrolling(viewer) {
  const { log, pane, scroller } = viewer;
  const page = () => Math.max(40, pane.height - 48);
  const moves = {
    ArrowUp: () => scroller.move(-40), ArrowDown: () => scroller.move(40),
    PageUp: () => scroller.move(-page()), PageDown: () => scroller.move(page()),
    Home: () => viewer.toTop(), End: () => viewer.toEnd(),
    ArrowLeft: () => pane.pane.scrollBy(-60, 0), ArrowRight: () => pane.pane.scrollBy(60, 0),
  };
  log.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const on = event.target;
    if (on.matches('.n') && stepNumber(on, event)) return;
    const key = event.key === ' ' && on === log ? (event.shiftKey ? 'PageUp' : 'PageDown') : event.key;
    if (!Object.hasOwn(moves, key)) return;
    event.preventDefault();
    moves[key]();
  });

  /** From one line number to the next: one stop of the Tab key for all of them. */
  function stepNumber(number, event) {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === 'Enter' && event.shiftKey) {
      // The browser would open a window.
      event.preventDefault();
      number.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey: true }));
      return true;
    }
    if (!by) return false;
    const { rows } = viewer;
    let row = rows.ofLine(Number(number.parentElement.id.slice(1))) + by;
    while (row >= 0 && row < rows.total && rows.key(row) < 0) row += by;
    if (row < 0 || row >= rows.total) return false;
    event.preventDefault();
    const key = rows.key(row);
    const height = pane.guess(row);
    const top = row < pane.lo ? -height : row > pane.hi ? pane.height : pane.topOf(row);
    if (top < 40) scroller.move(top - 40);
    else if (top + height > pane.height - 8) scroller.move(top + height - pane.height + 8);
    pane.element(key)?.firstChild.focus({ preventScroll: true });
    return true;
  }

  function tabStop() {
    const { first, last } = pane;
    const [from, to] = viewer.marked;
    let stop = 0;
    for (let row = first.row; row <= last && row <= pane.hi; row += 1) {
      const key = viewer.rows.key(row);
      if (key > 0 && (!stop || (key >= from && key <= to && stop < from))) stop = key;
    }
    const next = pane.element(stop)?.firstChild;
    if (next === current || current === document.activeElement) return;
    if (current) current.tabIndex = -1;
    current = next;
    if (current) current.tabIndex = 0;
  }
  let current = null;
  viewer.addEventListener('render', tabStop);
  viewer.addEventListener('scroll', tabStop);
  log.addEventListener('focusin', (event) => {
    if (!event.target.matches('.n')) return;
    if (current && current !== event.target) current.tabIndex = -1;
    current = event.target;
    current.tabIndex = 0;
  });
}
