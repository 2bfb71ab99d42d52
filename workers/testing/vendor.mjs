// Starts the local stand-in for the vendors' hosts and a proxy that leads there: one CONNECT tunnel per request of the tool.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const server = fileURLToPath(new URL('../../demo/standin/server.mjs', import.meta.url));
export const standinMissing = existsSync(server) ? false : 'the stand-in is not there';

/** → {env, tlsPort, app, register, kind, scenario, uploads, file, asked, close}; the keys are made for the test and die with it. */
export async function startVendor(dir) {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(dir, name));
  const { allHosts } = await import(new URL('hosts.mjs', pathToFileURL(server)));
  const subject = ['-subj', '/CN=stand-in', '-addext', `subjectAltName=${allHosts.map((host) => `DNS:${host}`).join(',')}`];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const { start } = await import(server);
  mkdirSync(join(dir, 'state'));
  const log = console.log;
  console.log = () => {};
  const running = await start({ stateDir: join(dir, 'state'), cert: readFileSync(cert), key: readFileSync(key), tlsPort: 0, controlPort: 0 });
  const asked = new Set();
  const proxy = createServer((request, response) => response.writeHead(403).end());
  proxy.on('connect', (request, socket) => {
    asked.add(request.url);
    const upstream = connect(running.tlsPort, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    upstream.pipe(socket).pipe(upstream);
    for (const side of [upstream, socket]) side.on('error', () => [upstream, socket].forEach((each) => each.destroy()));
  });
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  const control = async (path, body) => {
    const reply = await fetch(`http://127.0.0.1:${running.controlPort}/apps/${path}`, body === undefined ? {} : { method: 'PUT', body });
    if (!reply.ok) throw new Error(`stand-in: ${path}: ${await reply.text()}`);
    return Buffer.from(await reply.arrayBuffer());
  };
  return {
    env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.address().port}`, NODE_EXTRA_CA_CERTS: cert },
    asked,
    tlsPort: running.tlsPort,
    /** Registers an app with a new key, written to `base`/secret/private_key. → the key's PEM */
    async app(base, appId, scenario = 'ok') {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const pem = privateKey.export({ type: 'pkcs1', format: 'pem' });
      await control(appId, pem);
      await control(`${appId}/scenario`, scenario);
      mkdirSync(join(base, 'secret'), { recursive: true });
      writeFileSync(join(base, 'secret', 'private_key'), pem);
      return pem;
    },
    /** An app of any vendor; the body is what that vendor's module registers. */
    register: (appId, vendor, body) => control(`${appId}?vendor=${vendor}`, body),
    kind: (appId, name) => control(`${appId}/kind`, name),
    scenario: (appId, name) => control(`${appId}/scenario`, name),
    uploads: async (appId) => JSON.parse(await control(`${appId}/uploads`)),
    file: (appId, index, name) => control(`${appId}/uploads/${index}/files/${name.replace(/^\//, '')}`),
    async close() {
      console.log = log;
      proxy.closeAllConnections();
      proxy.close();
      await running.close();
    },
  };
}
