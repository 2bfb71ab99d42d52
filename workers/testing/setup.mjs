// Installs what the tests run against, once: the vendor's package by our lockfile, and the stand-in's two dependencies.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const workers = dirname(dirname(fileURLToPath(import.meta.url)));

for (const dir of [join(workers, 'wechat'), join(workers, '..', 'demo', 'standin')]) {
  // npm writes this file last, so that half an installation does not count.
  if (!existsSync(join(dir, 'package-lock.json')) || existsSync(join(dir, 'node_modules', '.package-lock.json'))) continue;
  console.log(`installing in ${dir}`);
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'], { cwd: dir, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
