// Starts the local stand-in for the vendors' upload services: TLS for their tools, plain HTTP for its control side.
//
//   node server.mjs --state DIR --cert FILE --key FILE [--tls-port 443] [--control-port 9000] [--host 127.0.0.1]
import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { controlHandler } from './control.mjs';
import { State } from './state.mjs';
import { vendorHandler } from './vendors.mjs';
import { notice } from './words.mjs';

/** Ports may be 0; the real ones are in the answer. */
export async function start({ stateDir, cert, key, tlsPort = 443, controlPort = 9000, host = '127.0.0.1' }) {
  const state = new State(stateDir);
  const servers = [createHttps({ cert, key }, vendorHandler(state)), createHttp(controlHandler(state))];
  await Promise.all([listen(servers[0], tlsPort, host), listen(servers[1], controlPort, host)]);
  return {
    tlsPort: servers[0].address().port,
    controlPort: servers[1].address().port,
    async close() {
      for (const server of servers) {
        // A hanging request must not keep the process alive.
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
}

const listen = (server, port, host) =>
  new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, done);
  });

async function main() {
  const { values } = parseArgs({
    options: {
      state: { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
      'tls-port': { type: 'string', default: '443' },
      'control-port': { type: 'string', default: '9000' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  for (const name of ['state', 'cert', 'key']) {
    if (!values[name]) throw new Error(`--${name} is missing`);
  }
  const running = await start({
    stateDir: values.state,
    cert: readFileSync(values.cert),
    key: readFileSync(values.key),
    tlsPort: Number(values['tls-port']),
    controlPort: Number(values['control-port']),
    host: values.host,
  });
  console.log(`${notice.zh}\n${notice.en}`);
  console.log(`stand-in: TLS on ${values.host}:${running.tlsPort}, control on ${values.host}:${running.controlPort}`);
  // As the first process of a container it gets no default handling of signals.
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => running.close().then(() => process.exit(0)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`stand-in: ${error.message}`);
    process.exit(2);
  });
}
