// The release page: follows the log by number and swaps the header when the release moves.
// Log text only ever becomes a text node.

import { applyFragment, live, tick, toast } from './app.js';

const log = document.getElementById('log');
if (log) start();

function start() {
  const zh = document.documentElement.lang.startsWith('zh');
  const say = zh
    ? {
        lines: (n) => `${n} 行`, fresh: (n) => `${n} 行新日志`, bottom: '回到最新',
        dropped: (n) => `前面 ${n} 行没有显示：`, whole: '下载完整日志', none: '没有找到', hit: (i, n) => `第 ${i} / ${n} 处`,
      }
    : {
        lines: (n) => (n === 1 ? '1 line' : `${n} lines`), fresh: (n) => (n === 1 ? '1 new line' : `${n} new lines`), bottom: 'Latest',
        dropped: (n) => `${n} earlier lines are not shown: `, whole: 'download the whole log', none: 'No matches', hit: (i, n) => `${i} of ${n}`,
      };
  const $ = (id) => document.getElementById(id);
  const keep = 20_000;

  let next = Number(log.dataset.next) || 1;
  let stage = [...log.querySelectorAll('.stage-mark')].pop()?.dataset.stage || '';
  let count = log.querySelectorAll('.line').length;
  let first = Number(log.querySelector('.line')?.id.slice(1)) || next;
  let waiting = [];
  let scheduled = false;
  let ended = false;

  /* Lines --------------------------------------------------------------------- */

  // Colours and cursor moves of terminals; a progress bar that rewrote its line shows its last state.
  const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
  const plain = (text) => {
    const kept = text.replace(/\r+$/, '');
    return kept.slice(kept.lastIndexOf('\r') + 1).replace(escapes, '');
  };
  const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

  function element(tag, name, text) {
    const e = document.createElement(tag);
    e.className = name;
    if (text !== undefined) e.textContent = text;
    return e;
  }

  // The server wrote these in its own zone.
  for (const time of log.querySelectorAll('.stage-mark time')) {
    time.textContent = clock.format(Date.parse(time.dateTime));
  }

  function mark(line) {
    const label = log.getAttribute(`data-label-${line.stage}`) || line.stage;
    const row = element('div', 'stage-mark', label);
    row.dataset.stage = line.stage;
    const time = element('time', '', clock.format(line.t));
    time.dateTime = new Date(line.t).toISOString();
    row.append(time);
    return row;
  }

  function row(line) {
    const e = element('div', 'line');
    e.id = `L${line.n}`;
    e.dataset.stream = line.stream;
    const n = element('a', 'n', line.n);
    n.href = `#L${line.n}`;
    n.title = clock.format(line.t);
    e.append(n, element('span', 'text', plain(line.text)));
    return e;
  }

  /** Takes what continues the log: false at a gap, and then the socket asks again from `next`. */
  function take(lines) {
    for (const line of lines) {
      if (line.n < next) continue;
      if (line.n > next) return false;
      waiting.push(line);
      next += 1;
    }
    if (waiting.length && !scheduled) {
      scheduled = true;
      // A hidden tab gets no frames.
      if (document.hidden) setTimeout(flush, 100);
      else requestAnimationFrame(flush);
    }
    return true;
  }

  function flush() {
    scheduled = false;
    const batch = waiting;
    waiting = [];
    if (!batch.length) return;
    const skip = Math.max(0, batch.length - keep);
    const part = document.createDocumentFragment();
    for (const line of skip ? batch.slice(skip) : batch) {
      if (line.stage !== stage || (skip && !part.childNodes.length)) {
        stage = line.stage;
        part.append(mark(line));
      }
      part.append(row(line));
    }
    const here = log.scrollTop;
    log.append(part);
    count += batch.length - skip;
    const cut = trim();
    if (following) toBottom();
    else {
      if (cut) log.scrollTop = Math.max(0, here - cut);
      unseen += batch.length;
      showPill();
    }
    $('log-count') && ($('log-count').textContent = say.lines(next - 1));
    if (query) mayMatch(batch.length);
  }

  /** Drops the oldest lines beyond `keep`; answers how many pixels went. */
  function trim() {
    if (count <= keep) return 0;
    // Some more at once, or every batch would cut one line.
    let drop = count - keep + 1000;
    const before = log.scrollHeight;
    let lastMark = null;
    for (const e of [...log.children]) {
      if (drop === 0) break;
      if (e.classList.contains('stage-mark')) {
        lastMark?.remove();
        lastMark = e; // stays as the header of what is left
      } else if (e.classList.contains('line')) {
        e.remove();
        drop -= 1;
        count -= 1;
      }
    }
    first = Number(log.querySelector('.line').id.slice(1));
    let note = log.querySelector('.log-note');
    if (!note) {
      note = element('p', 'log-note');
      log.prepend(note);
    }
    const link = element('a', '', say.whole);
    link.href = log.dataset.textUrl || `${location.pathname}/log.txt`;
    note.replaceChildren(say.dropped(first - 1), link);
    return before - log.scrollHeight;
  }

  /* Following ------------------------------------------------------------------- */

  const pill = $('follow');
  const toggle = $('log-follow');
  let following = Boolean(log.dataset.liveUrl) && !/^#L\d+$/.test(location.hash);
  let unseen = 0;
  let auto = 0;

  function toBottom() {
    auto = log.scrollTop = log.scrollHeight;
    auto = log.scrollTop;
  }

  function follow(yes) {
    following = yes;
    toggle?.setAttribute('aria-pressed', String(yes));
    if (yes) {
      unseen = 0;
      toBottom();
    }
    showPill();
  }

  function showPill() {
    if (!pill) return;
    pill.hidden = following || unseen === 0;
    $('follow-count').textContent = unseen ? say.fresh(unseen) : say.bottom;
  }

  log.addEventListener('scroll', () => {
    const end = log.scrollHeight - log.clientHeight - log.scrollTop < 24;
    if (following && !end && log.scrollTop < auto - 4) follow(false);
    else if (!following && end && !ended) follow(true);
    else if (end && unseen) {
      unseen = 0;
      showPill();
    }
  }, { passive: true });
  pill?.addEventListener('click', () => {
    unseen = 0;
    if (ended) toBottom();
    else follow(true);
    showPill();
    log.focus({ preventScroll: true });
  });
  if (toggle && log.dataset.liveUrl) {
    toggle.hidden = false;
    toggle.addEventListener('click', () => follow(!following));
  }
  new ResizeObserver(() => following && toBottom()).observe(log);

  /* A line in the address ------------------------------------------------------------ */

  function showHash() {
    const line = /^#L\d+$/.test(location.hash) && $(location.hash.slice(1));
    if (!line || !log.contains(line)) return;
    follow(false);
    center(line);
  }
  function center(line) {
    const top = line.getBoundingClientRect().top - log.getBoundingClientRect().top;
    log.scrollTop += top - log.clientHeight / 3;
  }
  window.addEventListener('hashchange', showHash);

  /* Finding -------------------------------------------------------------------------- */

  const form = $('log-search');
  const field = $('log-query');
  let query = '';
  let hits = [];
  let at = -1;

  function search() {
    for (const e of hits) e.classList.remove('hit', 'at');
    hits = [];
    at = -1;
    if (query) {
      for (const e of log.querySelectorAll('.line')) {
        if (e.lastElementChild.textContent.toLowerCase().includes(query)) {
          e.classList.add('hit');
          hits.push(e);
        }
      }
    }
    tell();
  }

  function mayMatch(lines) {
    for (const e of [...log.querySelectorAll('.line')].slice(-lines)) {
      if (e.lastElementChild.textContent.toLowerCase().includes(query)) {
        e.classList.add('hit');
        hits.push(e);
      }
    }
    tell();
  }

  function tell() {
    $('log-hits').textContent = !query ? '' : hits.length ? say.hit(Math.max(at, 0) + 1, hits.length) : say.none;
  }

  function step(by) {
    const current = hits[at];
    if (hits.some((e) => !e.isConnected)) hits = hits.filter((e) => e.isConnected);
    if (!hits.length) return tell();
    current?.classList.remove('at');
    const from = hits.indexOf(current);
    at = from < 0 ? (by > 0 ? 0 : hits.length - 1) : (from + by + hits.length) % hits.length;
    hits[at].classList.add('at');
    follow(false);
    center(hits[at]);
    tell();
  }

  function findBar(open) {
    form.hidden = !open;
    $('log-find').setAttribute('aria-expanded', String(open));
    if (open) {
      field.focus();
      field.select();
    } else {
      query = '';
      search();
      $('log-find').focus();
    }
  }

  if (form && field && $('log-find')) {
    $('log-find').hidden = false;
    $('log-find').addEventListener('click', () => findBar(form.hidden));
    field.addEventListener('input', () => {
      query = field.value.trim().toLowerCase();
      search();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      step(1);
    });
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && event.shiftKey) {
        event.preventDefault();
        step(-1);
      }
    });
    $('log-prev').addEventListener('click', () => step(-1));
    form.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') findBar(false);
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      event.preventDefault();
      findBar(true);
    });
  }

  /* The socket -------------------------------------------------------------------------- */

  const status = () => document.querySelector('#release-head [data-release-state]')?.dataset.releaseState;
  const heading = () => document.querySelector('#release-head .verdict-state')?.textContent.trim() || '';
  const over = (s) => ['succeeded', 'failed', 'canceled', 'unconfirmed'].includes(s);
  const title = document.title;
  const badges = { succeeded: '✓', failed: '✕', canceled: '–', unconfirmed: '!' };
  let was = status();

  function moved() {
    const is = status();
    if (is === was) return;
    was = is;
    const rest = title.includes(' · ') ? title.slice(title.indexOf(' · ')) : ` · ${title}`;
    document.title = `${badges[is] ? `${badges[is]} ` : ''}${heading()}${rest}`;
    if (over(is)) toast(heading(), is);
  }
  if (badges[was]) document.title = `${badges[was]} ${title}`;

  showHash();
  if (!log.dataset.liveUrl) return;
  if (following) follow(true);

  const socket = live('log', () => {
    const url = new URL(log.dataset.liveUrl, location.href);
    url.searchParams.set('from', next);
    return url.href;
  }, (frame) => {
    if (frame.lines && !take(frame.lines)) return socket.reopen();
    for (const fragment of frame.fragments || []) applyFragment(fragment);
    if (frame.fragments) moved();
    if (frame.end) {
      ended = true;
      socket.close();
      flush();
      moved();
      if (toggle) toggle.hidden = true;
      following = false;
      tick();
    }
  });
}
