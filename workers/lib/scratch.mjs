// A private, writable place in a container whose root is read-only and whose user may have no passwd entry. Knows no platform.

import { accessSync, constants, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a 0700 directory with `cwd` and `home` inside and moves there: vendor tools write into the current
 * directory and ask for a home, and `os.homedir()` throws for a uid without a name unless HOME is set.
 */
export function enterScratch() {
  const root = realpathSync(mkdtempSync(join(realpathSync(tmpdir()), 'sampan-')));
  const cwd = join(root, 'cwd');
  mkdirSync(cwd);
  if (!usableHome(process.env.HOME)) {
    process.env.HOME = join(root, 'home');
    mkdirSync(process.env.HOME);
  }
  process.chdir(cwd);
  return { root, cwd, home: process.env.HOME, remove: () => rmSync(root, { recursive: true, force: true }) };
}

function usableHome(home) {
  if (!home || home === '/') return false;
  try {
    mkdirSync(home, { recursive: true });
    accessSync(home, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
