// Lists that go on while one scrolls: `<nav class="pager" data-more="#list">` with a link to the next page.
// Without this script the link is a link; it also stays one when the next page does not come.

import { element, icon } from './dom.js';
import { tick } from './times.js';
import { say } from './words.js';

const PAGES = 10; // then the reader asks for more, and what stands below the list can be reached
const NEAR = '600px 0px';

for (const pager of document.querySelectorAll('.pager[data-more]')) goOn(pager);

function goOn(pager) {
  const list = document.querySelector(pager.dataset.more);
  let link = pager.querySelector('a[rel~="next"]');
  if (!list || !link) return;
  let left = PAGES;
  let failed = false;
  let loading = false;
  const said = element('p', 'sr');
  said.setAttribute('role', 'status');
  pager.after(said);

  async function load() {
    if (loading) return;
    loading = true;
    const usual = [...link.childNodes];
    const busy = icon('state-running', 'dot');
    busy.dataset.state = 'running';
    link.setAttribute('aria-busy', 'true');
    link.replaceChildren(busy, say('more_loading'));
    try {
      const page = await next(link.href, pager.dataset.more);
      const added = append(list, page.rows);
      said.textContent = say('more_added', { n: added.length });
      turn(page.link, added);
    } catch {
      failed = true;
      near.disconnect();
      link.replaceChildren(...usual);
      link.removeAttribute('aria-busy');
      const note = element('span', 'field-error', say('more_failed'));
      note.setAttribute('role', 'alert');
      pager.append(note);
    }
    loading = false;
  }

  /** The pager leads to the page after. The focus stays here, or goes on to the first of the last rows. */
  function turn(newLink, added) {
    const focused = link === document.activeElement;
    near.disconnect();
    if (!newLink) {
      if (focused) added[0]?.querySelector('a, button, summary')?.focus({ preventScroll: true });
      link.remove();
      pager.hidden = !pager.children.length;
      link = null;
      return;
    }
    link.replaceWith(newLink);
    link = newLink;
    if (focused) link.focus({ preventScroll: true });
    left -= 1;
    if (left > 0) near.observe(pager); // asks again where the window still reaches it
  }

  const near = new IntersectionObserver((seen) => {
    if (seen.some(({ isIntersecting }) => isIntersecting)) load();
  }, { rootMargin: NEAR });
  near.observe(pager);

  pager.addEventListener('click', (event) => {
    if (!link?.contains(event.target) || failed || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (left <= 0) left = PAGES + 1;
    load();
  });
}

async function next(url, selector) {
  const reply = await fetch(url, { redirect: 'error' }); // to the sign-in page, where the session has ended
  if (!reply.ok) throw new Error(String(reply.status));
  const page = new DOMParser().parseFromString(await reply.text(), 'text/html');
  const list = page.querySelector(selector);
  if (!list) throw new Error(`no ${selector}`);
  const pager = [...page.querySelectorAll('.pager[data-more]')].find((e) => e.dataset.more === selector);
  const link = pager?.querySelector('a[rel~="next"]');
  if (link) link.href = new URL(link.getAttribute('href'), url).href;
  return { rows: [...list.children], link };
}

/** Rows may have moved on to the next page since this one was made. */
function append(list, rows) {
  const key = (row) => row.dataset.id || row.id || row.getAttribute('href');
  const known = new Set([...list.children].map(key));
  const added = rows.filter((row) => !key(row) || !known.has(key(row)));
  const part = document.createDocumentFragment();
  part.append(...added);
  tick(part);
  list.append(part);
  return added;
}
