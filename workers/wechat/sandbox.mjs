// Confines the compiler that the vendor's tool forks in the keyed stage: with Node's permission model it can read the
// package and its own modules, and write its own scratch, but not the key, however a hostile package asks for it.

import { realpathSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../lib/failure.mjs';

const MODULES = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))));

/** The NODE_OPTIONS for children: only they obey it, this process has started already. */
export function confinedNodeOptions({ inherited = process.env.NODE_OPTIONS ?? '', read, write, secrets }) {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  // The tool reads npm's configuration for a proxy: below Node's own directory, in /etc and in the home directory.
  const readable = [MODULES, dirname(dirname(realpathSync(process.execPath))), '/etc', process.env.HOME, ...read, ...write].filter(Boolean);
  for (const path of readable) {
    if (isInside(realpath(secrets), realpath(path))) {
      throw new Failure('worker_error', `the key must not be below ${path}, which the compiler may read`);
    }
  }
  // "dir/*" covers the directory too; naming both aborts Node 20.
  const allow = (name, paths) => [...new Set(paths)].map((path) => quote(`${name}=${path}/*`));
  return [inherited, flag, '--allow-worker', '--no-warnings', ...allow('--allow-fs-read', readable), ...allow('--allow-fs-write', write)].filter(Boolean).join(' ');
}

const isInside = (path, dir) => path === dir || path.startsWith(dir.endsWith(sep) ? dir : dir + sep);

function realpath(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** NODE_OPTIONS splits at spaces and takes double quotes with backslash escapes. */
const quote = (option) => `"${option.replace(/["\\]/g, '\\$&')}"`;
