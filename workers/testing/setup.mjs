// Installs what the tests run against, once: the vendors' packages by our lockfiles, and the stand-in's few dependencies.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const workers = dirname(dirname(fileURLToPath(import.meta.url)));

const platforms = readdirSync(workers).filter((name) => existsSync(join(workers, name, 'platform.toml')));

for (const dir of [...platforms.map((name) => join(workers, name)), join(workers, '..', 'demo', 'standin')]) {
  // npm writes this file last, so that half an installation does not count.
  if (!existsSync(join(dir, 'package-lock.json')) || existsSync(join(dir, 'node_modules', '.package-lock.json'))) continue;
  console.log(`installing in ${dir}`);
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'], { cwd: dir, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
