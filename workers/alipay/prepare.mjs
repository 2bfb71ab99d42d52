// Stage 1: checks the project and leaves plain files. Nothing is compiled for an upload, the vendor does that; a preview is built
// here, without a key or network, with the vendor's builder. What it leaves in /out is hostile input for stage 2.

import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertLinksInside, copyTree, listTree } from '../lib/tree.mjs';
import { assertBuilder, build } from './builder.mjs';
import { assertNothingSteers, copyPlain, skipVendorIgnored } from './package.mjs';
import { CONFIG, readProject } from './project.mjs';
import { packageSizes } from './sizes.mjs';
import { CLI } from './vendor.mjs';

export async function prepare({ job, events, scratch }) {
  const preview = job.action === 'preview';
  if (preview) assertBuilder();
  const original = realpathSync(job.project);
  const entries = listTree(original, { skip: skipVendorIgnored });
  assertNothingSteers(entries);
  assertLinksInside(original, entries);
  const found = readProject(original, job.app_id);
  warn(events, found, entries);

  const package_ = join(job.out, 'package');
  const sources = preview ? join(scratch.root, 'sources') : package_;
  const { files, flattened } = await copyPlain(original, sources, entries);
  if (flattened.length > 0) events.warn('links_flattened', `folders that were symbolic links are now copies, as of pnpm: if the vendor's build misses a dependency, install with real folders (${flattened.slice(0, 3).join(', ')})`);
  if (found.config !== null) writeFileSync(join(sources, CONFIG), `${JSON.stringify(found.config, null, 2)}\n`);

  if (preview) {
    events.group('compile');
    events.log('building without network: failed requests for texts and settings are expected');
    const output = join(scratch.root, 'built');
    await build({ project: sources, output, appId: job.app_id });
    await copyTree(output, package_, listTree(output, { skip: (path) => /^[^/]+\.tar(\.gz)?$/.test(path) }));
  }
  const sizes = packageSizes(files, found.app, found.root);
  events.log(`${files.length} files in the package`);
  for (const { name, bytes } of sizes) events.log(`${name}: ${bytes} bytes of sources`);
  return { ok: true, version: job.version, sizes, vendor: { cli: CLI } };
}

function warn(events, { config, dropped }, entries) {
  if (config === null) events.warn('mini_project_missing', `there is no ${CONFIG}: the vendor builds with the settings of old programs`);
  if (dropped.length > 0) events.warn('scripts_ignored', `scripts of ${CONFIG} do not run (${dropped.join(', ')}): put such commands into the program's build command`);
  const at = entries.find(({ path }) => path.includes('@') && !path.includes('node_modules/'));
  if (at) events.warn('at_sign_in_name', `"${at.path}" has an @ in its name, which the vendor is known to refuse in previews and uploads`);
}
