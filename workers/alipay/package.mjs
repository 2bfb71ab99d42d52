// What of a project goes to the vendor: plain files, without what its tool ignores or would obey. Knows no key and no network.

import { constants, copyFileSync, realpathSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { copyTree, LIMITS, listTree } from '../lib/tree.mjs';

// The tool leaves these out, except below node_modules.
const IGNORED = new Set(['.tea', '.svn', '.idea', '.vscode', '.entry', '.git', '.miniu', 'miniu_dist', '.bin', '.node']);
// The tool's own configuration: it steers hosts, proxy and key (tried), wherever it is the project or the current directory.
const STEERING = '.minidev';

export const isSteering = (path) => path.split('/').includes(STEERING);

export function skipVendorIgnored(path, kind) {
  const name = posix.basename(path);
  const below = /(^|\/)node_modules\//.test(path);
  if (/(^|\/)node_modules\/\.(bin|cache)$/.test(path)) return true;
  return kind === 'dir' && !below && IGNORED.has(name);
}

export function assertNothingSteers(entries) {
  const found = entries.find(({ path }) => isSteering(path));
  if (found) throw new Failure('minidev_config_refused', `"${found.path}" would reconfigure the vendor's tool`, found.path);
}

/** Copies listed entries; a link inside the project becomes what it leads to. → {files: [{path, size}], flattened: paths} */
export async function copyPlain(from, to, entries) {
  const files = [];
  const flattened = [];
  const budget = { files: LIMITS.files, bytes: LIMITS.bytes };
  const spend = ({ path, size }) => {
    budget.files -= 1;
    budget.bytes -= size;
    if (budget.files < 0 || budget.bytes < 0) throw new Failure('tree_too_large', 'with its symbolic links followed the project is too large', path);
    files.push({ path, size });
  };
  const place = async (source, prefix, listed, above) => {
    await copyTree(source, join(to, prefix), listed.filter(({ kind }) => kind !== 'link'));
    for (const { path, kind, size } of listed) {
      const at = prefix === '' ? path : `${prefix}/${path}`;
      if (kind === 'file') spend({ path: at, size });
      if (kind !== 'link') continue;
      const target = realpathSync(join(source, path));
      const stat = statSync(target);
      if (stat.isDirectory()) {
        if (above.some((dir) => dir === target || dir.startsWith(`${target}/`))) throw new Failure('symlink_loop', `the symbolic link "${at}" leads to a folder that holds it`, at);
        flattened.push(at);
        const inside = listTree(target, { skip: skipVendorIgnored });
        await place(target, at, inside, [...above, realpathSync(posix.dirname(join(source, path))), target]);
      } else {
        if (!stat.isFile()) throw new Failure('special_file', `"${at}" leads to something that is no plain file`, at);
        copyFileSync(target, join(to, at), constants.COPYFILE_EXCL);
        spend({ path: at, size: stat.size });
      }
    }
  };
  await place(from, '', entries, [realpathSync(from)]);
  return { files, flattened };
}
