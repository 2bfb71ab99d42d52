// Looks at a WeChat project before the vendor's tool does, so that common mistakes get a plain answer. Reads only.

import { readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { oneLine } from '../lib/text.mjs';

const CONFIG = 'project.config.json';
const SKIPPED = new Set(['node_modules', '.git', '.svn']);

/** Directories the vendor's tool ignores everywhere, and we with it. */
export const skipVendorIgnored = (path, kind) => kind === 'dir' && SKIPPED.has(posix.basename(path));

/** → {config, root, app}: project.config.json ({} without one), where app.json is ("" or "dir/"), and app.json. */
export function readProject(project, appId) {
  const config = readConfig(project);
  if (config.compileType === 'game' || config.compileType === 'plugin' || config.compileType === 'gamePlugin') {
    throw new Failure('project_type_unsupported', `${CONFIG} says compileType "${config.compileType}"; only mini-programs are supported`, CONFIG);
  }
  const named = typeof config.appid === 'string' ? config.appid.trim() : '';
  if (named !== '' && named !== 'touristappid' && named !== appId) {
    throw new Failure('appid_mismatch', `${CONFIG} says appid "${oneLine(named, 64)}", but this program is "${appId}"`, CONFIG);
  }
  const root = rootOf(config);
  return { config, root, app: readApp(project, root) };
}

function readConfig(project) {
  const text = readText(join(project, CONFIG));
  if (text === null) return {};
  let config;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new Failure('project_config_invalid', `${CONFIG} is not valid JSON: ${error.message}`, CONFIG);
  }
  if (config === null || typeof config !== 'object' || Array.isArray(config)) {
    throw new Failure('project_config_invalid', `${CONFIG} is not valid JSON: an object is expected`, CONFIG);
  }
  return config;
}

function rootOf(config) {
  const given = typeof config.miniprogramRoot === 'string' ? config.miniprogramRoot : '';
  const root = posix.normalize(`./${given.replaceAll('\\', '/')}/`).replace(/^\.\//, '');
  if (root.startsWith('../')) {
    throw new Failure('project_config_invalid', `miniprogramRoot "${oneLine(given, 200)}" leads out of the project`, CONFIG);
  }
  return root;
}

function readApp(project, root) {
  const path = `${root}app.json`;
  const text = readText(join(project, path));
  if (text === null) {
    const where = root === '' ? 'the output folder' : `"${root}", the miniprogramRoot of ${CONFIG}`;
    throw new Failure('app_json_missing', `there is no app.json in ${where}`, path);
  }
  let app;
  try {
    app = JSON.parse(text);
  } catch (error) {
    throw new Failure('app_json_invalid', `app.json is not valid JSON: ${error.message}`, path);
  }
  if (!Array.isArray(app?.pages) || app.pages.length === 0) {
    throw new Failure('app_pages_empty', 'app.json lists no pages', path);
  }
  return app;
}

function readText(path) {
  try {
    if (!statSync(path).isFile()) return null;
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  }
}
