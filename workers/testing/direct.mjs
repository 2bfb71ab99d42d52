// The stand-in for vendors' tools that know no HTTPS_PROXY: what ./vendor.mjs starts, reached by redirected connections.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startVendor } from './vendor.mjs';

const preload = (name) => `--import=${new URL(name, import.meta.url)}`;

/** What startVendor gives, with `env` for a driver, `hurried` for one that need not wait, and `asked()`: the hosts, each once. */
export async function startDirect(dir) {
  const vendor = await startVendor(dir);
  const asked = join(dir, 'asked');
  const { HTTPS_PROXY, ...env } = vendor.env;
  const common = { ...env, SAMPAN_TEST_PORT: String(vendor.tlsPort), SAMPAN_TEST_ASKED: asked };
  return {
    ...vendor,
    env: { ...common, NODE_OPTIONS: preload('to-standin.mjs') },
    hurried: { ...common, NODE_OPTIONS: `${preload('to-standin.mjs')} ${preload('hurry.mjs')}` },
    asked: () => (existsSync(asked) ? [...new Set(readFileSync(asked, 'utf8').split('\n').filter(Boolean))].sort() : []),
    /** Puts credential fields where the driver finds them. */
    secrets(base, fields) {
      const folder = join(base, 'secret');
      mkdirSync(folder, { recursive: true });
      for (const [name, value] of Object.entries(fields)) writeFileSync(join(folder, name), value);
    },
  };
}
