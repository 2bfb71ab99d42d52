// A line or a range in the address: shown, marked, copied.

import { copyText } from '../copy.js';
import { toast } from '../toasts.js';
import { say } from '../words.js';
import { plain } from './ansi.js';
import { lineOf } from './frames.js';

const MOST = 50_000;

/** `#L12`, `#L12-L40`, also backwards → [12, 40] or null. */
export function range(hash) {
  const found = /^#L(\d{1,15})(?:-L?(\d{1,15}))?$/.exec(hash);
  if (!found) return null;
  const [a, b] = [Number(found[1]), Number(found[2] ?? found[1])];
  return a && b ? [Math.min(a, b), Math.max(a, b)] : null;
}

export function marked(viewer, { box, text, copy, link, clear }) {
  const { log } = viewer;
  let origin = 0; // where a range began

  function show() {
    const [from, to] = viewer.marked;
    box.hidden = to < from;
    if (!box.hidden) text.textContent = from === to ? say('log.line', { n: from }) : say('log.range', { from, to });
  }

  function mark(from, to) {
    viewer.marked = [from, to];
    show();
    viewer.draw();
  }

  function address() {
    const [from, to] = viewer.marked;
    const hash = to < from ? '' : from === to ? `#L${from}` : `#L${from}-L${to}`;
    history.replaceState(history.state, '', `${location.pathname}${location.search}${hash}`);
  }

  function fromAddress() {
    const asked = range(location.hash);
    if (!asked || asked[0] > viewer.last) return false;
    const [from, to] = [asked[0], Math.min(asked[1], viewer.last)];
    origin = from;
    viewer.marked = [from, to];
    viewer.reveal(from, 0.3);
    show();
    return true;
  }

  function choose(n, extend) {
    if (extend && origin) mark(Math.min(origin, n), Math.max(origin, n));
    else {
      origin = n;
      mark(n, n);
    }
    address();
  }

  async function lines() {
    const [from, to] = viewer.marked;
    const found = [];
    for (let n = from; n <= to; n += 1) {
      const line = viewer.real(n);
      if (!line) break;
      found.push(plain(line.text));
    }
    const next = from + found.length;
    if (next > to) return found;
    for await (const block of viewer.history.read(next, to)) {
      for (let n = Math.max(from + found.length, block.first); n < block.first + block.count && n <= to; n += 1) found.push(plain(lineOf(block, n).text));
    }
    return found;
  }

  copy.addEventListener('click', async () => {
    const [from, to] = viewer.marked;
    if (to - from >= MOST) return toast(say('log.too_many', { n: MOST }), 'failed');
    copy.setAttribute('aria-busy', 'true');
    try {
      const found = await lines();
      if (await copyText(found.join('\n'), copy)) toast(say('log.copied', { n: found.length }));
    } catch {
      toast(say('log.copy_failed'), 'failed');
    } finally {
      copy.removeAttribute('aria-busy');
    }
  });
  link.addEventListener('click', async () => {
    if (await copyText(location.href, link)) toast(say('log.link_copied'));
  });
  clear.addEventListener('click', () => {
    origin = 0;
    mark(0, -1);
    address();
    log.focus({ preventScroll: true });
  });

  log.addEventListener('click', (event) => {
    const number = event.target.closest?.('.line > .n');
    if (!number || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(Number(number.parentElement.id.slice(1)), event.shiftKey);
  });
  // Shift would select the text between.
  log.addEventListener('mousedown', (event) => {
    if (event.shiftKey && event.target.closest?.('.line > .n')) event.preventDefault();
  });
  window.addEventListener('hashchange', fromAddress);
  // Until the page is complete the browser goes to the line itself, and puts it under the header.
  if (document.readyState !== 'complete') window.addEventListener('load', () => setTimeout(fromAddress), { once: true });

  return { fromAddress };
}
