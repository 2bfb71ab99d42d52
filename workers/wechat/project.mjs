// Looks at a WeChat project before the vendor's tool does, so that common mistakes get a plain answer. Reads only.

import { readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { oneLine } from '../lib/text.mjs';
import { kindOf } from './kinds.mjs';

const CONFIG = 'project.config.json';
const SKIPPED = new Set(['node_modules', '.git', '.svn']);

/** Directories the vendor's tool ignores everywhere, and we with it. */
export const skipVendorIgnored = (path, kind) => kind === 'dir' && SKIPPED.has(posix.basename(path));

/**
 * → {config, kind, root, pluginRoot, json}: project.config.json ({} without one), what it says the project is, where its
 * parts are ("" or "dir/"), and app.json, or game.json of a game.
 */
export function readProject(project, appId) {
  const config = readConfig(project);
  const named = typeof config.appid === 'string' ? config.appid.trim() : '';
  if (named !== '' && named !== 'touristappid' && named !== appId) {
    throw new Failure('appid_mismatch', `${CONFIG} says appid "${oneLine(named, 64)}", but this program is "${appId}"`, CONFIG);
  }
  const kind = kindOf(config.compileType);
  const root = rootOf(config, 'miniprogramRoot');
  const pluginRoot = kind.plugin ? rootOf(config, 'pluginRoot') : '';
  if (kind.plugin && (pluginRoot === '' || pluginRoot === root)) {
    throw new Failure('project_config_invalid', `compileType "${kind.name}" needs a pluginRoot of its own beside miniprogramRoot`, CONFIG);
  }
  if (kind.plugin) readObject(project, pluginRoot, 'plugin.json', 'the pluginRoot');
  return { config, kind, root, pluginRoot, json: readMain(project, root, kind) };
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

function rootOf(config, name) {
  const given = typeof config[name] === 'string' ? config[name] : '';
  const root = posix.normalize(`./${given.replaceAll('\\', '/')}/`).replace(/^\.\//, '');
  if (root.startsWith('../')) {
    throw new Failure('project_config_invalid', `${name} "${oneLine(given, 200)}" leads out of the project`, CONFIG);
  }
  return root;
}

function readMain(project, root, kind) {
  const json = readObject(project, root, kind.json, 'the miniprogramRoot');
  if (!kind.game && (!Array.isArray(json.pages) || json.pages.length === 0)) {
    throw new Failure('app_pages_empty', 'app.json lists no pages', `${root}app.json`);
  }
  return json;
}

/** Failures are `app_json_missing`, `game_json_invalid` and so on. */
function readObject(project, root, name, setting) {
  const path = root + name;
  const code = name.replace('.', '_');
  const text = readText(join(project, path));
  if (text === null) {
    const where = root === '' ? 'the output folder' : `"${root}", ${setting} of ${CONFIG}`;
    throw new Failure(`${code}_missing`, `there is no ${name} in ${where}${otherKind(project, root, name)}`, path);
  }
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure(`${code}_invalid`, `${name} is not valid JSON: ${error.message}`, path);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Failure(`${code}_invalid`, `${name} is not valid JSON: an object is expected`, path);
  }
  return value;
}

function otherKind(project, root, name) {
  const found = { 'app.json': 'game.json', 'game.json': 'app.json' }[name];
  if (found === undefined || readText(join(project, root, found)) === null) return '';
  return `, but ${found}: the compileType of ${CONFIG} says which of the two it is, and a game needs "game"`;
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
