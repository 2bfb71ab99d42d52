// The time of a line, in one of three ways. Knows no page.

export const WAYS = ['off', 'relative', 'absolute'];

/** Since the first line: `+4.2`, `+1:23.4`, `+1:02:03.4`. */
export function relative(ms) {
  if (!Number.isFinite(ms)) return '';
  const sign = ms < 0 ? '−' : '+';
  const tenths = Math.round(Math.abs(ms) / 100);
  const s = Math.floor(tenths / 10);
  const tail = `.${tenths % 10}`;
  if (s < 60) return `${sign}${s}${tail}`;
  const two = (n) => String(n).padStart(2, '0');
  if (s < 3600) return `${sign}${Math.floor(s / 60)}:${two(s % 60)}${tail}`;
  return `${sign}${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}${tail}`;
}

const local = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** In the viewer's zone: `14:03:59`. */
export function absolute(t) {
  return Number.isFinite(t) ? local.format(t) : '';
}
