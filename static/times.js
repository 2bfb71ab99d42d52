// Times as people read them, in their own zone: <time data-relative>, <time data-local>, <time data-since>, .qr[data-expires].

import { lang, say } from './words.js';

// The server says when it made the page, so that a wrong clock on a phone does not shift times.
const made = Number(globalThis.document?.documentElement.dataset.now);
const skew = made ? made - Date.now() : 0;
const now = () => Date.now() + (Math.abs(skew) > 60_000 ? skew : 0);

const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' });
const units = [['day', 86_400], ['hour', 3_600], ['minute', 60]];

export function relativeTime(ms, at = now()) {
  const seconds = (ms - at) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 0 ? relative.format(1, 'minute') : say('just_now');
}

/** Like the server's: `8 s`, `1:23`, `1:02:03`. */
export function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, '0');
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Of what is over: below ten seconds with a decimal, as the server writes it. */
export function took(ms) {
  const tenths = Math.floor(Math.max(0, ms) / 100);
  return tenths < 100 ? `${Math.floor(tenths / 10)}.${tenths % 10} s` : duration(ms);
}

const local = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });
const exact = new Intl.DateTimeFormat(lang, {
  year: 'numeric', month: 'long', day: 'numeric', weekday: 'short',
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const explained = new WeakMap();

function explain(element, at) {
  if (explained.get(element) === at) return;
  explained.set(element, at);
  element.title = exact.format(at);
  element.dataset.read = ''; // the style sheet hides what nobody should read: the server's own writing
}

/** Brings the times inside `part` up to now. */
export function tick(part = document) {
  const each = (selector, use) => {
    for (const e of part.querySelectorAll(selector)) {
      const at = Date.parse(e.dateTime);
      if (at) use(e, at);
    }
  };
  each('time[data-relative]', (e, at) => {
    write(e, relativeTime(at));
    explain(e, at);
  });
  each('time[data-local]:not([data-read])', (e, at) => {
    write(e, local.format(at));
    explain(e, at);
  });
  each('time[data-since]', (e, at) => write(e, duration(now() - at)));
  for (const e of part.querySelectorAll('.qr[data-expires]')) {
    e.toggleAttribute('data-expired', Date.parse(e.dataset.expires) < now());
  }
}

if (globalThis.document) {
  tick();
  setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener('visibilitychange', () => document.hidden || tick());
}
