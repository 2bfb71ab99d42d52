// "Build npm" for native projects: packs dependencies into miniprogram_npm in a private copy. Knows no key and no upload.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { dependenciesOf, layOut } from './modules.mjs';

/** → [{packageJson, into}] relative to the project: what has to be packed, empty for compiled output. */
export function npmPlan(project, { config, root, pluginRoot = '' }, entries) {
  const plan = [];
  if (packsManually(config)) {
    for (const { packageJsonPath, miniprogramNpmDistDir } of config.setting.packNpmRelationList) {
      const packageJson = inside(packageJsonPath);
      const into = inside(miniprogramNpmDistDir);
      if (existsSync(join(project, packageJson))) plan.push({ packageJson, into });
    }
  } else {
    for (const { path, kind } of entries) {
      const searched = path.startsWith(root) || (pluginRoot !== '' && path.startsWith(pluginRoot));
      if (kind === 'file' && posix.basename(path) === 'package.json' && searched) plan.push({ packageJson: path, into: posix.dirname(path) });
    }
  }
  return plan.filter(({ packageJson, into }) => dependenciesOf(join(project, packageJson)).length > 0 && !hasContent(join(project, into, 'miniprogram_npm')));
}

const packsManually = ({ setting }) => setting?.packNpmManually === true && Array.isArray(setting.packNpmRelationList);

function inside(path) {
  const normal = posix.normalize(String(path ?? '').replaceAll('\\', '/')).replace(/\/$/, '') || '.';
  if (normal.startsWith('../') || normal === '..' || normal.startsWith('/')) {
    throw new Failure('project_config_invalid', `packNpmRelationList names "${normal}", which is outside the project`, 'project.config.json');
  }
  return normal;
}

function hasContent(dir) {
  return existsSync(dir) && readdirSync(dir).length > 0;
}

/** What to tell people whose package.json the vendor's tool never looks at, since it is not inside miniprogramRoot; else null. */
export function outsideRoot(project, { config, root }) {
  const names = root === '' || packsManually(config) ? [] : dependenciesOf(join(project, 'package.json'));
  if (names.length === 0 || existsSync(join(project, root, 'package.json')) || hasContent(join(project, root, 'miniprogram_npm'))) return null;
  const relation = JSON.stringify({ packNpmManually: true, packNpmRelationList: [{ packageJsonPath: './package.json', miniprogramNpmDistDir: `./${root}` }] });
  const why = `the dependencies of package.json are not packed, because it is outside miniprogramRoot "${root}"`;
  return `${why}; to pack them, put this into "setting" of project.config.json: ${relation}`;
}

/** Packs from the read-only original into `copy`; dependencies that are not installed are a warning, the compiled scripts decide. */
export async function packNpm(ci, { project, copy, scratch, appId, plan, events }) {
  for (const [index, { packageJson, into }] of plan.entries()) {
    const place = join(scratch, `npm-${index}`);
    const { copied, missing } = await layOut(project, join(project, packageJson), place);
    if (missing.length > 0) events.log(`build npm: ${packageJson}: not installed: ${missing.join(', ')}`);
    if (copied.length === 0) {
      events.warn('npm_not_built', `${packageJson} lists dependencies, but there is no miniprogram_npm, and no node_modules has them`);
      continue;
    }
    try {
      // Not packNpmManually: without a word it loses the version of a package that another one brings itself (2.1.42).
      const warnings = await ci.packNpm(new ci.Project({ appid: appId, type: 'miniProgram', projectPath: place, privateKey: 'x' }));
      events.log(`build npm: ${packageJson}: ${copied.length} packages`);
      for (const { jsPath, msg } of warnings) events.log(`build npm: ${posix.relative(place, String(jsPath))}: ${msg}`);
    } catch (error) {
      const message = error?.message ?? error;
      if (!/__NO_NODE_MODULES__/.test(message)) throw new Failure('npm_pack_failed', `building npm for ${packageJson} failed: ${message}`, packageJson);
      events.warn('npm_nothing_packed', `${packageJson}: no dependency could be packed`);
      continue;
    }
    const target = join(copy, into, 'miniprogram_npm');
    rmSync(target, { recursive: true, force: true });
    mkdirSync(dirname(target), { recursive: true });
    renameSync(join(place, 'miniprogram_npm'), target);
  }
}

/** Refuses a script that asks for a dependency which was not packed: the phone would stop there. `compiled` is {path: content}. */
export function assertPacked(project, { json, root }, plan, compiled) {
  const listed = new Set(['package.json', `${root}package.json`]);
  const names = new Set([...listed].flatMap((path) => dependenciesOf(join(project, path))));
  // A folder with a package.json of its own need not be part of the program: cloud functions run elsewhere.
  const nested = plan.map(({ packageJson }) => packageJson).filter((path) => !listed.has(path) && path.startsWith(root));
  const others = nested.map((path) => `${posix.dirname(path.slice(root.length))}/`);
  const paths = Object.keys(compiled).filter((path) => !others.some((folder) => path.startsWith(folder)));
  for (const name of names) {
    const aliased = Object.keys(json.resolveAlias ?? {}).some((alias) => alias.startsWith(`${name}/`));
    if (aliased || paths.some((path) => path.includes(`miniprogram_npm/${name}/`))) continue;
    const asks = new RegExp(`(?:\\brequire\\(\\s*|\\bfrom\\s*|\\bimport\\s*)["']${name.replaceAll('.', '\\.')}(?:/[^"']*)?["']`);
    const path = paths.find((path) => path.endsWith('.js') && asks.test(String(compiled[path])));
    if (path !== undefined) throw new Failure('npm_not_built', `${path} requires "${name}", which is in no miniprogram_npm`, path);
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
