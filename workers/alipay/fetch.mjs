// Fetches a small picture over HTTPS: bounded in size, time and redirects, through the proxy that the vendor's tool would use.
// Node's own fetch has no proxy in every version we support. Knows no vendor.

import { request as plain } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:tls';

const LIMIT = 1024 * 1024;
const REDIRECTS = 3;

/** → Buffer; throws what went wrong, in words for a log. */
export async function fetchPicture(address, { seconds = 20, proxy = process.env.HTTPS_PROXY } = {}) {
  const signal = AbortSignal.timeout(seconds * 1000);
  let url = address;
  for (let turn = 0; turn <= REDIRECTS; turn += 1) {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'https:') throw new Error(`${url} is not https`);
    const socket = proxy ? await tunnel(proxy, hostname, new URL(url).port || 443, signal) : undefined;
    const reply = await get(url, { signal, ...(socket ? { createConnection: () => connect({ socket, servername: hostname }) } : { agent: false }) });
    if (reply.location === undefined) return reply.body;
    url = new URL(reply.location, url).href;
  }
  throw new Error('too many redirects');
}

const tunnel = (proxy, host, port, signal) =>
  new Promise((done, fail) => {
    const { hostname, port: at, username, password } = new URL(proxy);
    const headers = username ? { 'proxy-authorization': `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` } : {};
    const call = plain({ hostname, port: at || 80, method: 'CONNECT', path: `${host}:${port}`, headers, signal, agent: false });
    call.once('connect', (reply, socket) => (reply.statusCode === 200 ? done(socket) : fail(new Error(`the proxy answered ${reply.statusCode}`))));
    call.once('error', fail);
    call.end();
  });

const get = (url, options) =>
  new Promise((done, fail) => {
    const call = request(url, options, (reply) => {
      const { statusCode: status, headers } = reply;
      if (status >= 300 && status < 400 && headers.location) {
        reply.destroy();
        return done({ location: headers.location });
      }
      if (status !== 200) {
        reply.destroy();
        return fail(new Error(`the answer was ${status}`));
      }
      const parts = [];
      let size = 0;
      reply.on('data', (part) => {
        parts.push(part);
        size += part.length;
        if (size > LIMIT) reply.destroy(new Error(`it is larger than ${LIMIT} bytes`));
      });
      reply.once('error', fail);
      reply.once('end', () => done({ body: Buffer.concat(parts) }));
    });
    call.once('error', fail);
    call.end();
  });
