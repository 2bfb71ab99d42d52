// "Build npm" for native projects: packs dependencies into miniprogram_npm in a private copy. Knows no key and no upload.

import { existsSync, readdirSync, readFileSync, symlinkSync, mkdirSync, copyFileSync, readlinkSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';

/** → [{packageJson, into}] relative to the project: what has to be packed, empty for compiled output. */
export function npmPlan(project, { config, root }, entries) {
  const setting = config.setting ?? {};
  const plan = [];
  if (setting.packNpmManually === true && Array.isArray(setting.packNpmRelationList)) {
    for (const { packageJsonPath, miniprogramNpmDistDir } of setting.packNpmRelationList) {
      const packageJson = inside(packageJsonPath);
      const into = inside(miniprogramNpmDistDir);
      if (existsSync(join(project, packageJson))) plan.push({ packageJson, into });
    }
  } else {
    for (const { path, kind } of entries) {
      if (kind === 'file' && posix.basename(path) === 'package.json' && path.startsWith(root)) {
        plan.push({ packageJson: path, into: posix.dirname(path) });
      }
    }
  }
  return plan.filter(({ packageJson, into }) => hasDependencies(join(project, packageJson)) && !hasContent(join(project, into, 'miniprogram_npm')));
}

function inside(path) {
  const normal = posix.normalize(String(path ?? '').replaceAll('\\', '/')).replace(/\/$/, '') || '.';
  if (normal.startsWith('../') || normal === '..' || normal.startsWith('/')) {
    throw new Failure('project_config_invalid', `packNpmRelationList names "${normal}", which is outside the project`, 'project.config.json');
  }
  return normal;
}

function hasDependencies(path) {
  try {
    return Object.keys(JSON.parse(readFileSync(path, 'utf8')).dependencies ?? {}).length > 0;
  } catch {
    return false;
  }
}

function hasContent(dir) {
  return existsSync(dir) && readdirSync(dir).length > 0;
}

/** Packs from the read-only original into `copy`; a missing node_modules is a warning, the compile step decides. */
export async function packNpm(ci, { project, copy, plan, events }) {
  for (const { packageJson, into } of plan) {
    if (!existsSync(join(project, dirname(packageJson), 'node_modules'))) {
      events.warn('npm_not_built', `${packageJson} lists dependencies, but there is neither miniprogram_npm nor node_modules beside it`);
      continue;
    }
    let packed;
    try {
      packed = await ci.packNpmManually({ packageJsonPath: join(project, packageJson), miniprogramNpmDistDir: join(copy, into) });
    } catch (error) {
      throw new Failure('npm_pack_failed', `building npm for ${packageJson} failed: ${error.message ?? error}`, packageJson);
    }
    events.log(`build npm: ${packageJson}: ${packed.miniProgramPackNum} mini-program packages, ${packed.otherNpmPackNum} others`);
    for (const { jsPath, msg } of packed.warnList) events.log(`build npm: ${posix.relative(project, String(jsPath))}: ${msg}`);
    if (packed.miniProgramPackNum + packed.otherNpmPackNum === 0) events.warn('npm_nothing_packed', `${packageJson}: no dependency could be packed`);
  }
}

/** A writable copy of the project without what the vendor ignores. Links were checked: they lead into the project. */
export function copyProject(from, to, entries) {
  mkdirSync(to);
  for (const { path, kind } of entries) {
    const target = join(to, path);
    if (kind === 'dir') mkdirSync(target);
    else if (kind === 'file') copyFileSync(join(from, path), target);
    else symlinkSync(readlinkSync(join(from, path)), target);
  }
}
