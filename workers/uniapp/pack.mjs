// Packs files into a zip so that the same files always give the same bytes, on any machine and with any Node.js: the compressor
// is JavaScript (fflate), since the output of Node's own zlib depends on its build and on the processor. Knows nothing of manifests.

import { zipSync } from 'fflate';
import { Failure } from '../lib/failure.mjs';

// Compressing these again costs time and gains nothing.
const COMPRESSED = /\.(?:png|jpe?g|gif|webp|mp[34]|m4a|aac|ogg|woff2?|zip|gz)$/i;

// The format has local times without a zone, and starts in 1980. Noon exists on that day everywhere.
const TIME = new Date(1980, 0, 1, 12);

// Said to be made on Unix: some readers take names from elsewhere for an old code page, whatever their UTF-8 mark says. Then
// there has to be a mode, and it is the same for all.
const HEADER = { mtime: TIME, os: 3, attrs: 0o100644 << 16 };

export const bytewise = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** `files` is [{path, bytes}]. → the archive: files only, names in UTF-8, one mode and one time for all, no owners. */
export function packWgt(files) {
  const contents = Object.create(null);
  for (const { path, bytes } of files) {
    // The library keeps files in an object, which has no room for it.
    if (path === '__proto__') throw new Failure('bad_name', `a file has a name that cannot be packed: "${path}"`, path);
    contents[path] = [bytes, { level: COMPRESSED.test(path) ? 0 : 6 }];
  }
  return zipSync(contents, HEADER);
}
