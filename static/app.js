// Every page: drawer, forms that submit once, relative times, copy buttons, toasts, live fragments.
// Without this script the pages still work; they only stand still.

const root = document.documentElement;
const zh = root.lang.startsWith('zh');
const say = zh
  ? { copied: '已复制', copyByHand: '按 Ctrl+C 复制', now: '刚刚' }
  : { copied: 'Copied', copyByHand: 'Press Ctrl+C to copy', now: 'just now' };

// Clocks: the server says when it made the page, so that a wrong clock on a phone does not shift times.
const skew = root.dataset.now ? Number(root.dataset.now) - Date.now() : 0;
const now = () => Date.now() + (Math.abs(skew) > 60_000 ? skew : 0);

/* Toasts ------------------------------------------------------------------- */

export function toast(text, state) {
  let box = document.getElementById('toasts');
  if (!box) {
    box = document.createElement('div');
    box.id = 'toasts';
    box.className = 'toasts';
    box.setAttribute('role', 'status');
    document.body.append(box);
  }
  const item = document.createElement('div');
  item.className = 'toast';
  if (state) {
    item.dataset.state = state;
    item.append(icon(`state-${state}`));
  }
  item.append(text);
  box.append(item);
  setTimeout(() => item.remove(), 6000);
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/* Times: <time data-relative>, <time data-since>, .qr[data-expires] ------------ */

const relative = new Intl.RelativeTimeFormat(root.lang || 'zh-CN', { numeric: 'auto' });
const units = [['day', 86_400], ['hour', 3_600], ['minute', 60]];

export function relativeTime(ms) {
  const seconds = (ms - now()) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 0 ? relative.format(1, 'minute') : say.now;
}

/** Like the server's: `8 s`, `1:23`, `1:02:03`. */
export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tick() {
  for (const e of document.querySelectorAll('time[data-relative]')) {
    const at = Date.parse(e.dateTime);
    if (at) write(e, relativeTime(at));
  }
  for (const e of document.querySelectorAll('time[data-since]')) {
    const at = Date.parse(e.dateTime);
    if (at) write(e, duration(now() - at));
  }
  for (const e of document.querySelectorAll('.qr[data-expires]')) {
    e.toggleAttribute('data-expired', Date.parse(e.dataset.expires) < now());
  }
}

/* Forms: one click, one submit ------------------------------------------------- */

const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('[aria-busy]')) {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
};

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post') return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = '1';
  const button = event.submitter || form.querySelector('button:not([type="button"])');
  if (!button) return;
  button.setAttribute('aria-busy', 'true');
  // After the browser has read the form, or the button's own name and value would be left out.
  setTimeout(() => { button.disabled = true; });
  setTimeout(() => release(form), 15_000);
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted) document.querySelectorAll('form[data-sent]').forEach(release);
});

/* Copy ------------------------------------------------------------------------- */

async function copy(button) {
  const text = button.dataset.copy;
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return toast(say.copied);
    } catch { /* denied: by hand */ }
  }
  // On plain HTTP there is no clipboard: show a selected field.
  const field = document.createElement('input');
  field.className = 'input mono copy-field';
  field.readOnly = true;
  field.value = text;
  button.after(field);
  field.focus();
  field.select();
  let done = false;
  try { done = document.execCommand('copy'); } catch { /* by hand */ }
  if (done) {
    field.remove();
    button.focus();
    return toast(say.copied);
  }
  toast(say.copyByHand);
  field.addEventListener('blur', () => field.remove(), { once: true });
}

/* Drawer and menus ---------------------------------------------------------------- */

const nav = document.getElementById('nav');
const opener = document.querySelector('.menu-open');

function drawer(open) {
  nav.toggleAttribute('data-open', open);
  opener.setAttribute('aria-expanded', String(open));
  document.getElementById('main')?.toggleAttribute('inert', open);
  (open ? nav.querySelector('.nav-close') : opener).focus();
}

if (nav && opener) {
  if (location.hash === '#nav') history.replaceState(null, '', location.pathname + location.search);
  opener.setAttribute('role', 'button');
  opener.setAttribute('aria-expanded', 'false');
  matchMedia('(min-width: 641px)').addEventListener('change', (query) => {
    if (query.matches && nav.hasAttribute('data-open')) drawer(false);
  });
}

document.addEventListener('click', (event) => {
  const on = (selector) => event.target.closest?.(selector);
  if (nav && on('.menu-open')) { event.preventDefault(); drawer(true); }
  if (nav && on('.nav-close, .scrim')) { event.preventDefault(); drawer(false); }
  const button = on('[data-copy]');
  if (button) copy(button);
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const act = on('a[href*="#"]');
  if (act && act.pathname === location.pathname) openAct(act.hash);
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  if (nav?.hasAttribute('data-open')) return drawer(false);
  const menu = document.querySelector('details.menu[open]');
  if (menu) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});

// A QR code in a row shows itself under the mouse; a tap or Enter opens it as well.
for (const type of ['pointerover', 'pointerout']) {
  document.addEventListener(type, (event) => {
    const peek = event.pointerType === 'mouse' && event.target.closest?.('.qr-peek');
    if (peek && !peek.contains(event.relatedTarget)) peek.open = type === 'pointerover';
  });
}
document.addEventListener('click', (event) => {
  // The mouse opened it already: a click must not close it again.
  if (event.detail && event.target.closest?.('.qr-peek:hover > summary') && matchMedia('(hover: hover)').matches) event.preventDefault();
});

// `/programs/x#preview` opens that form.
function openAct(hash) {
  const act = hash.length > 1 && document.querySelector(`details.act[id="${CSS.escape(hash.slice(1))}"]`);
  if (!act) return;
  act.open = true;
  act.querySelector('.input')?.focus();
}
openAct(location.hash);

/* Live fragments --------------------------------------------------------------------- */

const shown = new Map();

/** Replaces the inside of `target`; focus and open menus stay where they were. */
export function applyFragment({ target, html }) {
  const box = document.querySelector(target);
  if (!box || shown.get(target) === html) return;
  shown.set(target, html);
  const focused = box.contains(document.activeElement) ? place(box, document.activeElement) : null;
  const open = [...box.querySelectorAll('details[open][id]')].map((e) => e.id);
  box.innerHTML = html; // our own template, escaped there
  for (const id of open) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  if (focused) find(box, focused)?.focus({ preventScroll: true });
  tick();
}

function place(box, element) {
  const path = [];
  for (let e = element; e !== box; e = e.parentElement) path.unshift([...e.parentElement.children].indexOf(e));
  return { id: element.id, href: element.getAttribute('href'), path };
}

function find(box, { id, href, path }) {
  if (id) return box.querySelector(`#${CSS.escape(id)}`);
  if (href) return box.querySelector(`a[href="${CSS.escape(href)}"]`);
  return path.reduce((e, index) => e?.children[index], box);
}

const broken = new Set();

function connected(name, yes) {
  if (yes) broken.delete(name);
  else broken.add(name);
  const bar = document.getElementById('offline');
  if (bar) bar.hidden = broken.size === 0;
}

/**
 * A socket that heals itself. `url()` is asked before each attempt; `onFrame(frame)` gets parsed JSON.
 * The quiet bar shows after the second failed attempt, so that a restart of the server does not flash.
 */
export function live(name, url, onFrame) {
  let socket;
  let tries = 0;
  let timer;
  let closed = false;
  let reopened = -Infinity;

  const settled = (mine) => {
    if (mine !== socket || closed) return;
    tries = 0;
    connected(name, true);
  };

  const open = () => {
    clearTimeout(timer);
    const address = new URL(url(), location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const mine = new WebSocket(address);
    socket = mine;
    // A server that accepts and hangs up at once is no connection yet.
    mine.onopen = () => { timer = setTimeout(settled, 1000, mine); };
    mine.onmessage = (event) => {
      if (mine !== socket) return;
      settled(mine);
      let frame;
      try { frame = JSON.parse(event.data); } catch { return; }
      onFrame(frame);
    };
    mine.onclose = () => {
      if (closed || mine !== socket) return;
      clearTimeout(timer);
      tries += 1;
      if (tries > 1) connected(name, false);
      const wait = Math.min(30_000, 500 * 2 ** Math.min(tries, 6));
      timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
    };
  };

  const wake = () => {
    if (!closed && !document.hidden && socket.readyState === WebSocket.CLOSED) open();
  };
  window.addEventListener('online', wake);
  document.addEventListener('visibilitychange', wake);
  window.addEventListener('pageshow', wake);
  open();

  return {
    close() {
      closed = true;
      clearTimeout(timer);
      socket.close();
      connected(name, true);
    },
    /** Drops the connection and asks `url()` again at once. */
    reopen() {
      // Twice within a second is no accident: close, and wait like after any failure.
      const soon = performance.now() - reopened < 1000;
      reopened = performance.now();
      if (soon) return socket.close();
      const old = socket;
      open();
      old.close();
    },
  };
}

tick();
setInterval(tick, 1000);

const feed = document.body.dataset.live;
if (feed) {
  live('page', () => feed, (frame) => {
    for (const fragment of frame.fragments || []) applyFragment(fragment);
  });
}
