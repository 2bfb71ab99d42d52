// Looks at a ByteDance project before the vendor's tool does, so that mistakes get a plain answer and nothing leads out of it. Reads only.

import { readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { oneLine } from '../lib/text.mjs';

export const CONFIG = 'project.config.json';
const PRIVATE = 'project.private.config.json';

// The tool checks its own app id, but puts this one into addresses as it is.
const APP_ID = /^tt[0-9a-f]{16}([0-9a-f]{2})?$/;
// No braces, brackets or parentheses: they can spell ".." without writing it.
const SIMPLE_GLOB = /^[\w@*./-]+$/;

/** The tool ships no dot files and no node_modules; a developer's private settings are for his machine alone. */
export const skipUnshipped = (path) => {
  const name = posix.basename(path);
  return name.startsWith('.') || name === 'node_modules' || path === PRIVATE;
};

/**
 * → {config, root, app, subpackages, large, extAppId}: project.config.json, where app.json is ("" or "dir/"), app.json, the roots
 * of its sub-packages without slashes at their ends, whether previews may be large, and the app that ext.json of a service
 * provider's template speaks for, else null.
 */
export function readProject(project, appId) {
  const config = readObject(project, CONFIG, 'project_config');
  // The tool prefers `ttappid`: some projects keep another vendor's id in `appid`.
  const named = [config.ttappid, config.appid].find((id) => typeof id === 'string' && id !== '') ?? '';
  if (named !== appId) {
    throw new Failure('appid_mismatch', `${CONFIG} says appid "${oneLine(named, 64)}", but this program is "${appId}"`, CONFIG);
  }
  const root = rootOf(config);
  if (![undefined, '', 'microapp'].includes(config.ttProjectType)) unsupported(`ttProjectType is "${oneLine(config.ttProjectType, 32)}"`);
  if (!isFile(project, `${root}app.json`) && isFile(project, `${root}game.json`)) unsupported('there is a game.json and no app.json');
  const app = readObject(project, `${root}app.json`, 'app_json');
  if (Array.isArray(app.liveCards)) unsupported('app.json has liveCards');
  if (!Array.isArray(app.pages) || app.pages.length === 0) throw new Failure('app_pages_empty', 'app.json lists no pages', `${root}app.json`);
  assertScript(project, root, config);
  assertGameFiles(app, root);
  const ext = isFile(project, `${root}ext.json`) ? readObject(project, `${root}ext.json`, 'ext_json') : {};
  const extAppId = ext.extEnable && ext.extAppid ? oneLine(ext.extAppid, 64) : null;
  if (extAppId !== null && !APP_ID.test(ext.extAppid)) throw new Failure('ext_json_invalid', `ext.json names no app id: "${extAppId}"`, `${root}ext.json`);
  const large = config.setting?.bigPackageSizeSupport === true;
  return { config, root, app, subpackages: subpackageRoots(project, root, app), large, extAppId };
}

/** What the vendor's tool reads in deliver: the project's own settings without anything that says what or where to upload. */
export function deliveredConfig({ config, root }, appId) {
  const { ttappid, scripts, pluginAppid, pluginRoot, ...kept } = config;
  return { ...kept, appid: appId, miniprogramRoot: root === '' ? './' : root };
}

function rootOf(config) {
  const given = typeof config.miniprogramRoot === 'string' ? config.miniprogramRoot : '';
  const root = posix.normalize(`./${given.replaceAll('\\', '/')}/`).replace(/^\.\//, '');
  if (root.startsWith('../')) throw new Failure('project_config_invalid', `miniprogramRoot "${oneLine(given, 200)}" leads out of the project`, CONFIG);
  return root;
}

function unsupported(why) {
  throw new Failure('project_type_unsupported', `only mini-programs are published here, no games, plugins or live cards: ${why}`);
}

/** Without it the tool only says "Bad Project Type". */
function assertScript(project, root, config) {
  const typescript = config.setting?.useCompilerPlugins?.includes?.('typescript') === true;
  const names = typescript ? ['app.js', 'app.ts'] : ['app.js'];
  if (!names.some((name) => isFile(project, root + name))) throw new Failure('app_js_missing', `there is no ${names.join(' or ')} beside app.json`, root + names[0]);
}

/** The tool takes these as patterns of files to add and would follow them out of the project. */
function assertGameFiles(app, root) {
  for (const pattern of [app.gameFiles ?? []].flat()) {
    const plain = typeof pattern === 'string' && SIMPLE_GLOB.test(pattern) && !pattern.startsWith('/') && !pattern.split('/').includes('..');
    if (!plain) throw new Failure('app_json_invalid', `gameFiles has "${oneLine(pattern, 100)}", which is not a plain pattern inside the project`, `${root}app.json`);
  }
}

function subpackageRoots(project, root, app) {
  const list = app.subPackages ?? app.subpackages ?? [];
  if (!Array.isArray(list)) throw new Failure('app_json_invalid', 'subPackages is not a list', `${root}app.json`);
  const roots = list.map((each) => each?.root).filter((given) => given !== undefined && given !== '');
  return [...new Set(roots.map((given) => subpackageRoot(project, root, given)))];
}

function subpackageRoot(project, root, given) {
  const plain = typeof given === 'string' && !given.includes('\\') ? posix.normalize(`./${given}/`).replace(/\/$/, '') : '..';
  if (plain === '.' || plain.split('/').includes('..')) {
    throw new Failure('app_json_invalid', `the sub-package root "${oneLine(given, 200)}" is not a folder inside the project`, `${root}app.json`);
  }
  if (!isDirectory(project, root + plain)) throw new Failure('subpackage_missing', `app.json names the sub-package "${oneLine(plain, 200)}", but there is no such folder`, root + plain);
  return plain;
}

/** Failures are `<code>_missing` and `<code>_invalid`. */
function readObject(project, path, code) {
  if (!isFile(project, path)) throw new Failure(`${code}_missing`, `there is no ${path} in the output folder`, path);
  let value;
  try {
    value = JSON.parse(readFileSync(join(project, path), 'utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    throw new Failure(`${code}_invalid`, `${path} is not valid JSON: ${error.message}`, path);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Failure(`${code}_invalid`, `${path} is not valid JSON: an object is expected`, path);
  }
  return value;
}

const isFile = (project, path) => statOf(project, path)?.isFile() ?? false;
const isDirectory = (project, path) => statOf(project, path)?.isDirectory() ?? false;

function statOf(project, path) {
  return statSync(join(project, path), { throwIfNoEntry: false });
}
