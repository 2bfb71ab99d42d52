// Writes worker events: `::sampan <nonce> {json}` lines on stdout (../README.md). Knows no platform and never prints the nonce elsewhere.

import { oneLine } from './text.mjs';

const PREFIX = '::sampan ';
const EVERY_MS = 200;

/** `write` takes one whole line, so that an event can never be glued to other output. */
export function createEvents(nonce, write = (line) => process.stdout.write(line), now = Date.now) {
  let last = -Infinity;
  const emit = (event) => write(`${PREFIX}${nonce} ${JSON.stringify(event)}\n`);
  return {
    /** At most five a second; `force` is for the last one, which must not be lost. */
    progress(done, total, what = '', { force = false } = {}) {
      if (!force && now() - last < EVERY_MS) return false;
      last = now();
      emit({ progress: { done, total, what: oneLine(what, 200) } });
      return true;
    },
    group(name) {
      emit({ group: { name: oneLine(name, 100) } });
    },
    warn(code, message) {
      emit({ warn: { code, message: oneLine(message, 1000) } });
    },
    /** An ordinary log line; foreign text cannot look like an event because of the leading word. */
    log(text) {
      const line = oneLine(text, 2000);
      if (line !== '') write(`${line.startsWith('::') ? ' ' : ''}${line}\n`);
    },
  };
}

/** What the server does with a line of stdout; here for the tests, which read the same golden files as the server's. */
export function parseLine(line, nonce) {
  const head = `${PREFIX}${nonce} `;
  if (!line.startsWith(head)) return null;
  let event;
  try {
    event = JSON.parse(line.slice(head.length));
  } catch {
    return null;
  }
  const [[kind, value] = [], ...more] = Object.entries(event ?? {});
  if (more.length > 0 || value === null || typeof value !== 'object') return null;
  const count = (number) => Number.isSafeInteger(number) && number >= 0;
  const texts = (...names) => names.every((name) => typeof value[name] === 'string');
  const valid = {
    progress: () => count(value.done) && count(value.total) && (value.what === undefined || texts('what')),
    group: () => texts('name'),
    warn: () => texts('code', 'message'),
  };
  return Object.hasOwn(valid, kind) && valid[kind]() ? event : null;
}
