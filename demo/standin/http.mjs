// Small helpers around Node's HTTP that the vendor's side and the control side share.
export class TooLarge extends Error {}

export async function readBody(request, limit) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > limit) throw new TooLarge(`the body exceeds ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function send(response, status, type, body, headers = {}) {
  response.writeHead(status, { server: 'sampan-standin', 'content-type': type, ...headers });
  response.end(body);
}

export const sendJson = (response, status, value) =>
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value));

/** JSON objects of the vendor's side carry a mark of who is speaking, after the vendor's own fields. */
export const sendMarked = (response, status, value, mark) => sendJson(response, status, { ...value, standin: mark });

export const sendHtml = (response, status, body) => send(response, status, 'text/html; charset=utf-8', body);

/** The caller's address, an IPv4 one in its own form even on a dual-stack socket. */
export const callerAddress = (request) => (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
