// Copies a tree with its symbolic links replaced by what they point to, inside the tree only: the vendor's tool follows links
// to folders and ships what it finds, and packs links to files as links.

import { copyFileSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { assertLinksInside, LIMITS, listTree } from '../lib/tree.mjs';

/** `skip(path)` leaves out what is not shipped, also below a link. → the paths that were copied */
export function copyPlain(from, to, skip) {
  const files = plainFiles(realpathSync(from), skip);
  for (const { path, source } of files) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    copyFileSync(source, join(to, path));
  }
  return files.map(({ path }) => path);
}

function plainFiles(root, skip) {
  const files = [];
  let bytes = 0;
  const add = (path, source) => {
    files.push({ path, source });
    bytes += statSync(source).size;
    if (files.length > LIMITS.files) throw new Failure('tree_too_large', `more than ${LIMITS.files} files`);
    if (bytes > LIMITS.bytes) throw new Failure('tree_too_large', `more than ${LIMITS.bytes} bytes`);
  };
  // `passed` are the folders on the way here: a link back to one of them has no end.
  const visit = (dir, prefix, passed) => {
    const entries = listTree(dir, { skip: (path) => skip(prefix + path) });
    assertLinksInside(root, entries.map((entry) => ({ ...entry, path: relative(root, join(dir, entry.path)) })));
    for (const { path, kind } of entries) {
      const source = join(dir, path);
      if (kind === 'file') add(prefix + path, source);
      if (kind === 'link') follow(prefix + path, realpathSync(source), [...passed, dirname(source)]);
    }
  };
  const follow = (path, target, passed) => {
    if (statSync(target).isFile()) return add(path, target);
    if (!statSync(target).isDirectory()) throw new Failure('special_file', `"${path}" is neither a file nor a directory`, path);
    if (passed.some((place) => `${place}${sep}`.startsWith(`${target}${sep}`))) {
      throw new Failure('symlink_loop', `the symbolic link "${path}" leads back to a folder it lies in`, path);
    }
    return visit(target, `${path}/`, passed);
  };
  visit(root, '', []);
  return files;
}
