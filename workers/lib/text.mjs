// Makes foreign text safe to print and to store: hostile names and vendor messages end up in logs. Knows no platform.

const ANSI = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Keeps line breaks and tabs, drops colours and other control characters, cuts at `max` characters. */
export function clean(text, max = 4000) {
  const plain = String(text ?? '').replace(/\r\n?/g, '\n').replace(ANSI, '').replace(CONTROL, '').trim();
  return plain.length > max ? `${plain.slice(0, max - 1)}…` : plain;
}

/** The same on one line, so that no name or message can start a line of its own. */
export function oneLine(text, max = 400) {
  return clean(String(text ?? '').replace(/[\r\n\t]+/g, ' '), max);
}
