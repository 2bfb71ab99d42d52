// Preloaded into a driver (NODE_OPTIONS=--import): leads its TLS connections to the stand-in's port, for vendors' tools that
// know no HTTPS_PROXY. The name in the greeting and the certificate check stay as they are.

import { appendFileSync } from 'node:fs';
import tls from 'node:tls';

const connect = tls.connect;

tls.connect = (options, ...rest) => {
  const servername = options.servername || options.host;
  appendFileSync(process.env.SAMPAN_TEST_ASKED, `${servername}\n`);
  return connect({ ...options, servername, host: '127.0.0.1', port: Number(process.env.SAMPAN_TEST_PORT) }, ...rest);
};
