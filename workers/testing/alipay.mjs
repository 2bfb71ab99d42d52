// What the tests of the Alipay platform share: an app at the stand-in with its two credential files, a little project, and a stub
// in place of the vendor's closed builder, which says that it is one.

import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drive } from './drive.mjs';

export const APP = '2021000000000001';
export const TOOL = 'tool-0123456789abcdef';

export const miniProgram = (changes = {}) => ({
  'app.json': { pages: ['pages/index/index'], subPackages: [{ root: 'shop', pages: ['list'] }] },
  'mini.project.json': { format: 2, enableAppxNg: true, compileOptions: { component2: true } },
  'app.js': 'App({})',
  'pages/index/index.js': 'Page({})',
  'pages/index/index.json': {},
  'pages/index/index.axml': '<view class="a">ok</view>',
  'pages/index/index.acss': '.a { color: red }',
  'shop/list.js': 'Page({})',
  'shop/list.json': {},
  'shop/list.axml': '<view>list</view>',
  ...changes,
});

/** Registers an app with a new key and writes `base`/secret. → the key's PEM (PKCS#8, as the server hands it over) */
export async function alipayApp(vendor, base, { appId = APP, scenario = 'ok' } = {}) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await vendor.register(appId, 'alipay', JSON.stringify({ tool_id: TOOL, key: pem }));
  await vendor.scenario(appId, scenario);
  mkdirSync(join(base, 'secret'), { recursive: true });
  writeFileSync(join(base, 'secret', 'tool_id'), TOOL);
  writeFileSync(join(base, 'secret', 'private_key'), pem);
  return pem;
}

export const driveAlipay = (base, stage, project, { job = {}, ...more } = {}) =>
  drive(base, stage, project, { job: { platform: 'alipay', app_id: APP, version: '26.307.4', ...job }, ...more });

/** Installs the stub where the tool looks for its builder. → the environment that says so */
export function stubBuilder(base) {
  const dir = join(base, 'builder');
  const at = join(dir, 'compilers', 'cubebuild@0.100.12', 'linux', 'mini-pkg-builder');
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, `#!/bin/sh\nexec '${process.execPath}' '${fileURLToPath(new URL('alipay-builder.mjs', import.meta.url))}' "$@"\n`);
  chmodSync(at, 0o755);
  return { MINIDEV_COMPILEDIR: dir };
}
