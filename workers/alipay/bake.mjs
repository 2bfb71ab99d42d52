// Run once, when the image is built: puts the vendor's closed builder into it where the vendor's servers can be reached. Never
// fails: without the builder uploads work all the same, and a preview says what is missing.
//
//   node bake.mjs DIR    DIR is what MINIDEV_COMPILEDIR will name

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BUILDER_VERSION } from './vendor.mjs';

const SECONDS = 90;
const LIMIT = 400 * 1024 * 1024;
const url = `https://mdn.alipayobjects.com/mini_assets/uri/file/as/builder-v${BUILDER_VERSION}-${process.platform}-${process.arch}.tgz`;
const target = join(process.argv[2], 'compilers', `cubebuild@${BUILDER_VERSION}`, 'linux');
const fresh = `${target}.new`;

try {
  const reply = await fetch(url, { signal: AbortSignal.timeout(SECONDS * 1000) });
  if (!reply.ok) throw new Error(`the answer was ${reply.status}`);
  const archive = Buffer.from(await reply.arrayBuffer());
  if (archive.length > LIMIT) throw new Error(`it has ${archive.length} bytes`);
  mkdirSync(fresh, { recursive: true });
  writeFileSync(`${fresh}.tgz`, archive);
  const tar = spawnSync('tar', ['-xzf', `${fresh}.tgz`, '-C', fresh, '--no-same-owner'], { stdio: 'inherit' });
  if (tar.status !== 0 || !existsSync(join(fresh, 'mini-pkg-builder'))) throw new Error('what came is not the builder');
  for (const name of ['mini-pkg-builder', 'esbuild', 'packer2']) if (existsSync(join(fresh, name))) chmodSync(join(fresh, name), 0o755);
  mkdirSync(dirname(target), { recursive: true });
  renameSync(fresh, target);
  console.log(`alipay: builder ${BUILDER_VERSION} is in the image (${archive.length} bytes from ${url}); previews can work`);
} catch (error) {
  console.log(`alipay: NO BUILDER IN THE IMAGE: ${url}: ${error.cause?.message ?? error.message}`);
  console.log('alipay: uploads work without it, previews fail with builder_missing; build this image again where that host can be reached');
} finally {
  for (const path of [fresh, `${fresh}.tgz`]) rmSync(path, { recursive: true, force: true });
}
