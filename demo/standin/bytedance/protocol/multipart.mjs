// Takes a multipart form apart: the form in which the CLI sends a package.

export class BadForm extends Error {}

/** → Map(name → Buffer) */
export function readForm(body, contentType) {
  const boundary = /boundary="?([^";]+)/.exec(contentType ?? '')?.[1];
  if (!boundary) throw new BadForm('not a multipart form');
  const fields = new Map();
  const line = Buffer.from(`--${boundary}`);
  let at = body.indexOf(line);
  while (at !== -1) {
    const start = at + line.length;
    const next = body.indexOf(Buffer.from(`\r\n--${boundary}`), start);
    if (next === -1) break;
    const headEnd = body.indexOf('\r\n\r\n', start);
    if (headEnd === -1 || headEnd > next) throw new BadForm('a part without an end of its head');
    const name = /name="([^"]*)"/.exec(body.toString('utf8', start, headEnd))?.[1];
    if (name !== undefined) fields.set(name, body.subarray(headEnd + 4, next));
    at = next + 2;
  }
  return fields;
}

export const text = (fields, name) => fields.get(name)?.toString('utf8') ?? null;
