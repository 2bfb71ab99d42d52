// Takes the teeth out of source maps in a hostile package. The vendor's compiler completes a map that lacks
// `sourcesContent` by reading every file its `sources` name, from anywhere on the disk, into the map it uploads:
// a map with "../../job/secret/private_key" as its source would publish the key. Knows nothing else of the package.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The vendor's own expression: what it does not find, it does not read. */
const COMMENT = /\/\/[#|@] sourceMappingURL=[\s]*(\S*)[\s]*$/m;

/** Changes files below `root` in place; → the paths that were changed or removed. */
export function disarmSourceMaps(root, paths) {
  const changed = [];
  for (const path of paths) {
    if (path.endsWith('.map') && disarmMap(join(root, path))) changed.push(path);
    if (/\.[jt]s$/.test(path) && disarmScript(join(root, path), path)) changed.push(path);
  }
  return changed;
}

function disarmMap(file) {
  const map = parse(readFileSync(file, 'utf8'));
  if (map === null) rmSync(file);
  else if (readsFiles(map)) writeFileSync(file, JSON.stringify({ ...map, sourcesContent: map.sources.map(() => null) }));
  else return false;
  return true;
}

/** Removes references to maps outside the package and inline maps that would read files. */
function disarmScript(file, path) {
  let code = readFileSync(file, 'utf8');
  let changed = false;
  for (let match = COMMENT.exec(code); match !== null && !harmless(match[1], path); match = COMMENT.exec(code)) {
    code = `${code.slice(0, match.index)}//${code.slice(match.index + match[0].length)}`;
    changed = true;
  }
  if (changed) writeFileSync(file, code);
  return changed;
}

function harmless(url, path) {
  if (url.endsWith('.js.map')) return !posix.join(posix.dirname(path), url).startsWith('../');
  const inline = url.split('base64,')[1];
  if (inline === undefined) return true;
  const map = parse(Buffer.from(inline, 'base64').toString());
  return map === null || !readsFiles(map);
}

const readsFiles = (map) => Array.isArray(map.sources) && !Array.isArray(map.sourcesContent);

function parse(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
