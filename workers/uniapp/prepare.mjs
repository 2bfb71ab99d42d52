// The only stage: makes update.wgt of a compiled app. Runs no code of the project; all of /project is hostile input.

import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { writeWhole } from '../lib/result.mjs';
import { listTree, openPlain } from '../lib/tree.mjs';
import { assertApp, completeManifest, MANIFEST } from './manifest.mjs';
import { bytewise, packWgt } from './pack.mjs';

// All of it is held in memory while it is packed. A phone downloads the result: a hundredth of this is usual.
const LIMITS = { files: 20_000, bytes: 256 * 1024 * 1024, depth: 64 };

export async function prepare({ job, events }) {
  const root = realpathSync(job.project);
  const entries = listTree(root, { limits: LIMITS }).filter(({ kind }) => kind !== 'dir');
  const paths = entries.map(({ path }) => path).sort(bytewise);
  assertApp(paths, () => read(root, MANIFEST));
  // A compiler makes no links, so there is no good one.
  const link = entries.find(({ kind }) => kind === 'link');
  if (link !== undefined) throw new Failure('symlink_refused', `"${link.path}" is a symbolic link`, link.path);

  events.group('manifest.json');
  const manifest = completeManifest(read(root, MANIFEST), job);
  for (const line of manifest.changes) events.log(line);
  events.log(`${manifest.id}, version ${manifest.name} (${manifest.code})`);

  events.group('pack');
  const files = paths.map((path, index) => {
    events.progress(index, paths.length, path);
    return { path, bytes: path === MANIFEST ? manifest.bytes : read(root, path) };
  });
  const wgt = packWgt(files);
  events.progress(paths.length, paths.length, 'update.wgt', { force: true });
  const target = join(job.out, 'package');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  writeWhole(join(target, 'update.wgt'), wgt);

  const sha256 = createHash('sha256').update(wgt).digest('hex');
  events.log(`update.wgt: ${files.length} files, ${wgt.length} bytes, SHA-256 ${sha256}`);
  return {
    ok: true,
    version: manifest.name,
    sizes: [{ name: '__FULL__', bytes: wgt.length }],
    vendor: { app_id: manifest.id, version_code: manifest.code, files: files.length, sha256, ...(manifest.compiler ? { compiler: manifest.compiler } : {}) },
  };
}

function read(root, path) {
  const file = openPlain(root, path);
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}
