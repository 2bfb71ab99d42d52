// Looks at an Alipay project before the vendor's tool does, so that common mistakes get a plain answer, and decides what of
// mini.project.json may pass. Reads only, plain files only.

import { lstatSync, readFileSync } from 'node:fs';
import { isAbsolute, join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { oneLine } from '../lib/text.mjs';

export const CONFIG = 'mini.project.json';
const ROOTS = ['miniprogramRoot', 'pluginRoot', 'widgetRoot', 'componentRoot', 'cloudbaseRoot', 'serverlessRoot'];
const MAX_BYTES = 1024 * 1024;

/** → {config, dropped, root, app}: mini.project.json as it may pass (null without one), what was dropped, "" or "dir/", app.json. */
export function readProject(project, appId) {
  const raw = readObject(project, CONFIG, 'mini_project_invalid');
  const { config, dropped } = raw === null ? { config: null, dropped: [] } : passing(raw);
  const named = typeof raw?.appid === 'string' ? raw.appid.trim() : '';
  if (/^\d{16}$/.test(named) && named !== appId) {
    throw new Failure('appid_mismatch', `${CONFIG} says appid "${named}", but this program is "${appId}"`, CONFIG);
  }
  const kind = config?.compileType ?? 'mini';
  if (kind !== 'mini') throw new Failure('kind_unsupported', `compileType "${oneLine(kind, 40)}" of ${CONFIG} is not supported here, only mini-programs are`, CONFIG);
  const root = folder(config?.miniprogramRoot);
  const app = readObject(project, `${root}app.json`, 'app_json_invalid');
  if (app === null) {
    if (readObject(project, `${root}game.json`, 'game_json_invalid') !== null) throw new Failure('kind_unsupported', 'this is a mini-game (game.json), only mini-programs are supported here', `${root}game.json`);
    throw new Failure('app_json_missing', `there is no app.json in ${root === '' ? 'the output folder' : `"${root}", the miniprogramRoot of ${CONFIG}`}`, `${root}app.json`);
  }
  if (!Array.isArray(app.pages) || app.pages.length === 0) throw new Failure('app_pages_empty', 'app.json lists no pages', `${root}app.json`);
  return { config, dropped, root, app };
}

/**
 * `scripts` (beforeUpload, beforePreview …) are commands that the tool would run beside the key: they never pass. Neither does a
 * folder outside the project.
 */
export function passing(raw) {
  const { scripts, ...config } = raw;
  for (const name of ROOTS) {
    if (config[name] === undefined) continue;
    if (typeof config[name] !== 'string' || isAbsolute(config[name]) || folder(config[name]).startsWith('../')) {
      throw new Failure('mini_project_invalid', `${name} "${oneLine(config[name], 200)}" leads out of the project`, CONFIG);
    }
  }
  return { config, dropped: scripts !== null && typeof scripts === 'object' ? Object.keys(scripts) : [] };
}

function folder(given) {
  return posix.normalize(`./${String(given ?? '').replaceAll('\\', '/')}/`).replace(/^\.\//, '');
}

/** The object in a JSON file, null where there is no plain file. */
export function readObject(project, path, code) {
  let text;
  try {
    const stat = lstatSync(join(project, path));
    if (!stat.isFile()) return null;
    if (stat.size > MAX_BYTES) throw new Failure(code, `${path} is too large`, path);
    text = readFileSync(join(project, path), 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  }
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Failure(code, `${path} is not valid JSON: ${error.message}`, path);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Failure(code, `${path} is not valid JSON: an object is expected`, path);
  return value;
}
