// Stage 1: no network, no key. Do here whatever can be done without the key, compile for instance: code of the repository may run
// here and nowhere later. What is left in /out/package is all that deliver gets to see, and its sizes are checked before.

import { join } from 'node:path';
import { copyTree, listTree } from '../lib/tree.mjs';
import { misbehave } from './tricks.mjs';

export async function prepare({ job, events }) {
  await misbehave('prepare', { job, events });

  events.group('copy');
  // Everything below /project was written by strangers. These refuse odd names, pipes, devices, endless trees, and links.
  const entries = listTree(job.project);
  await copyTree(job.project, join(job.out, 'package'), entries);

  const files = entries.filter(({ kind }) => kind === 'file');
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  events.log(`${files.length} files, ${bytes} bytes`);
  // The whole, the main package, and one more for each sub-package where the vendor has such.
  const sizes = [{ name: '__FULL__', bytes }, { name: '__APP__', bytes }];
  return { ok: true, version: job.version, sizes, vendor: { tool: 'none' } };
}
