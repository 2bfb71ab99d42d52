// Walks and copies trees written by strangers: looks at every entry with lstat, follows nothing. Knows no platform.

import { closeSync, constants, createReadStream, createWriteStream, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join, posix, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Failure } from './failure.mjs';
import { oneLine } from './text.mjs';

export const LIMITS = { files: 20_000, bytes: 512 * 1024 * 1024, depth: 64 };

/**
 * Lists a tree as [{path, kind: "file"|"dir"|"link", size}], parents first, paths relative with "/".
 * `skip(path, kind)` leaves an entry (and what is below it) out. Pipes, sockets and devices are refused.
 */
export function listTree(root, { skip = () => false, limits = LIMITS } = {}) {
  const entries = [];
  let files = 0;
  let bytes = 0;
  const walk = (dir, depth) => {
    if (depth > limits.depth) throw new Failure('tree_too_large', `directories are nested more than ${limits.depth} deep`, dir);
    for (const name of readdirSync(join(root, dir)).sort()) {
      const path = dir === '' ? name : `${dir}/${name}`;
      assertPlainName(path);
      const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
      // Node shows bytes that are no UTF-8 as U+FFFD, and finds nothing by that name.
      if (stat === undefined) throw new Failure('bad_name', `a file has a name that is not UTF-8: "${path}"`, path);
      const kind = stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'dir' : stat.isFile() ? 'file' : 'special';
      if (skip(path, kind)) continue;
      if (kind === 'special') throw new Failure('special_file', `"${path}" is neither a file nor a directory`, path);
      if (kind === 'file') bytes += stat.size;
      if (kind !== 'dir') files += 1;
      if (files > limits.files) throw new Failure('tree_too_large', `more than ${limits.files} files`);
      if (bytes > limits.bytes) throw new Failure('tree_too_large', `more than ${limits.bytes} bytes`);
      entries.push({ path, kind, size: kind === 'file' ? stat.size : 0 });
      if (kind === 'dir') walk(path, depth + 1);
    }
  };
  walk('', 1);
  return entries;
}

/** Names that would break a log line, a shell or a zip are refused rather than repaired. */
export function assertPlainName(path) {
  const bad = /[\u0000-\u001f\u007f\\]/.test(path) || path === '' || isAbsolute(path) || path.split('/').some((part) => part === '..' || part === '.' || part === '');
  if (bad) throw new Failure('bad_name', `a file has a name that is not allowed: "${oneLine(path)}"`, oneLine(path));
}

/** Refuses links that lead out of the tree or nowhere: vendor tools follow them and ship what they find. */
export function assertLinksInside(root, entries) {
  const inside = realpathSync(root);
  for (const { path, kind } of entries) {
    if (kind !== 'link') continue;
    let target;
    try {
      target = realpathSync(join(root, path));
    } catch {
      throw new Failure('symlink_broken', `the symbolic link "${path}" points to "${oneLine(readlinkSync(join(root, path)))}", which does not exist`, path);
    }
    if (target !== inside && !target.startsWith(inside + sep)) {
      throw new Failure('symlink_escape', `the symbolic link "${path}" leads out of the project`, path);
    }
  }
}

/** Copies a listed tree of plain files and directories; a link is refused, also one put there since the listing. */
export async function copyTree(from, to, entries) {
  mkdirSync(to, { recursive: true });
  for (const { path, kind } of entries) {
    if (kind === 'link') throw new Failure('symlink_refused', `"${path}" is a symbolic link`, path);
    if (kind === 'dir') mkdirSync(join(to, path), { recursive: true });
    else await copyFile(from, join(to, path), path);
  }
}

/** Opens what the listing called a file, and only if it still is one. → a descriptor, for the caller to close */
export function openPlain(root, path) {
  const file = openSync(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (!fstatSync(file).isFile()) {
    closeSync(file);
    throw new Failure('special_file', `"${path}" is not a plain file`, path);
  }
  return file;
}

async function copyFile(from, to, path) {
  const file = openPlain(from, path);
  mkdirSync(posix.dirname(to), { recursive: true });
  await pipeline(createReadStream(null, { fd: file }), createWriteStream(to, { flags: 'wx', mode: 0o644 }));
}
