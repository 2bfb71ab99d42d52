// Loads minidev with settings that nothing in a project, a home or a current directory can change. Runs in children of the
// driver and in prepare; must not know where a project comes from.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const CLI = `minidev ${require('./package.json').dependencies.minidev}`;

// The tool's own default; its server could name another one, which would then have to be downloaded.
export const BUILDER_VERSION = '0.100.12';

/**
 * Settings given at run time win over the files `.minidev/config.json` of a home, a project and a current directory (tried), so
 * those that could lead elsewhere are all given, also the ones that are the tool's default. `credentials` is {toolId, privateKey}.
 */
export async function loadVendor(credentials) {
  const { minidev } = require('minidev');
  await minidev.config.useRuntime({
    env: { prod: { name: 'prod', hosts: { IDE_SERVICE: 'https://ideservice.alipay.com', HPM_WEB: 'https://hpmweb.alipay.com' } } },
    proxy: { http: process.env.HTTP_PROXY ?? '', https: process.env.HTTPS_PROXY ?? '' },
    compiler: { skipLatestCheck: true, version: { cube: BUILDER_VERSION } },
    // It would tell the vendor of every run and of every failed request.
    tracker: { enabled: false },
    ...(credentials && { alipay: { authentication: credentials } }),
  });
  return { minidev };
}
