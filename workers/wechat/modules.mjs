// Lays the dependencies of a package.json out as plain folders. The vendor's packer follows links one level deep and never
// looks above: with the node_modules of pnpm or of a workspace it would lose packages without a word. Knows no vendor API.

import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { copyTree, LIMITS, listTree } from '../lib/tree.mjs';

/** Names in `dependencies`; none where the file cannot be read. */
export function dependenciesOf(packageJson) {
  try {
    return Object.keys(JSON.parse(readFileSync(packageJson, 'utf8')).dependencies ?? {}).filter(plain);
  } catch {
    return [];
  }
}

// As npm allows them, so that none can climb.
const plain = (name) => /^(@[\w.-]*\w\/)?\w[\w.-]*$/.test(name);

/** Copies `packageJson`, what it needs and what that needs in turn below `to`. → {copied, missing}: folders, and names that are nowhere in the project. */
export async function layOut(project, packageJson, to) {
  const missing = new Set();
  const placed = new Map();
  const left = { ...LIMITS };
  mkdirSync(to, { recursive: true });
  copyFileSync(packageJson, join(to, 'package.json'));
  const queue = [{ source: dirname(packageJson), at: to }];
  for (const asker of queue) {
    for (const name of dependenciesOf(join(asker.source, 'package.json'))) {
      const source = find(project, asker.source, name);
      if (source === null) missing.add(name);
      const seen = nearest(placed, to, asker.at, name);
      if (source === null || seen === source) continue;
      // As npm does: beside the others while the name is free, else below the one who asks.
      const at = join(seen === undefined ? to : asker.at, 'node_modules', name);
      await copyPackage(source, at, left);
      placed.set(at, source);
      queue.push({ source, at });
    }
  }
  return { copied: [...placed.keys()], missing: [...missing] };
}

/** The package's real folder, looked for as Node does, but only inside the project. */
function find(project, from, name) {
  for (let folder = from; folder === project || folder.startsWith(project + sep); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (basename(folder) === 'node_modules' || !existsSync(join(candidate, 'package.json'))) continue;
    const real = realpathSync(candidate);
    if (!real.startsWith(project + sep)) throw new Failure('symlink_escape', `the symbolic link "node_modules/${name}" leads out of the project`, `node_modules/${name}`);
    return real;
  }
  return null;
}

/** What a package at `at` would get for `name` in the new tree. */
function nearest(placed, to, at, name) {
  for (let folder = at; folder.length >= to.length; folder = dirname(folder)) {
    const source = placed.get(join(folder, 'node_modules', name));
    if (source !== undefined) return source;
  }
  return undefined;
}

/** Takes what it copies off `left`: all packages together stay below the limits of one tree. */
async function copyPackage(from, to, left) {
  const entries = listTree(from, { skip: (path, kind) => kind === 'link' || basename(path) === 'node_modules', limits: left });
  for (const { kind, size } of entries) {
    if (kind === 'file') left.files -= 1;
    left.bytes -= size;
  }
  await copyTree(from, to, entries);
}
