// manifest.json of a compiled app: what a phone reads before it installs a wgt. Completes it with what the release knows, and
// refuses what a phone would refuse later. Knows no file system.
//
// uni-app's compiler copies `version.code` from the project's versionCode as it stands: text in every template, but a number
// stays one. plus.runtime.install (unless forced) goes by `id`, which must be the installed app's, and by `version.name`, which must be higher;
// update services go by the code. So the type is kept, and all three have to be there.

import { Failure } from '../lib/failure.mjs';
import { oneLine } from '../lib/text.mjs';

export const MANIFEST = 'manifest.json';

const MAX_BYTES = 1024 * 1024;
const MAX_CODE = 2_100_000_000;
const MINI_PROGRAM = ['app.json', 'game.json', 'project.config.json', 'mini.project.json', 'project.swan.json'];

/** Refuses folders that are something else, in words that say what. `manifest` gives the manifest's bytes where there is one. */
export function assertApp(paths, manifest) {
  const has = (name) => paths.includes(name);
  // The logic of every app that uni-app compiles.
  if (!has('app-service.js')) {
    const mini = MINI_PROGRAM.find(has);
    if (mini !== undefined) throw new Failure('mini_program_output', `"${mini}" shows that this folder is a mini-program, not an app`, mini);
    if (has('pages.json')) throw new Failure('source_folder', '"pages.json" shows that this folder is the source of an app, not what the compiler made of it', 'pages.json');
    // A 5+ app has an index.html too, and a manifest that starts it; a web page may have a manifest.json for browsers.
    if (has('index.html') && !(has(MANIFEST) && manifest().includes('"launch_path"'))) {
      throw new Failure('web_page_output', '"index.html" shows that this folder is a web page (H5), not an app', 'index.html');
    }
  }
  if (!has(MANIFEST)) throw new Failure('manifest_missing', `there is no ${MANIFEST} in the folder`, MANIFEST);
}

/** → {bytes, id, name, code, compiler, changes}: the manifest to pack, and lines about what was changed in it. */
export function completeManifest(original, job) {
  const manifest = parse(original);
  const changes = [];
  const set = (holder, key, value, what) => {
    if (holder[key] === value) return;
    changes.push(`${what}: ${absent(holder[key]) ? 'absent' : quote(holder[key])}, now ${quote(value)}`);
    holder[key] = value;
  };

  if (absent(manifest.id)) set(manifest, 'id', job.app_id, 'id');
  if (manifest.id !== job.app_id) throw new Failure('appid_mismatch', `${MANIFEST} has the id ${quote(manifest.id)}, but this program is "${job.app_id}"`, MANIFEST);

  if (absent(manifest.version)) manifest.version = {};
  const { version } = manifest;
  if (!isObject(version)) throw new Failure('manifest_invalid', `version is not an object in ${MANIFEST}`, MANIFEST);
  if (job.version !== '') set(version, 'name', job.version, 'version.name');
  const name = versionName(version.name);
  const code = versionCode(absent(job.options.version_code) ? version.code : job.options.version_code);
  if (version.code !== code) set(version, 'code', typeof version.code === 'number' ? code : String(code), 'version.code');

  const compiler = manifest.plus?.['uni-app']?.compilerVersion;
  const bytes = changes.length === 0 ? original : Buffer.from(JSON.stringify(manifest, null, 2));
  return { bytes, id: manifest.id, name, code, compiler: typeof compiler === 'string' ? oneLine(compiler, 32) : '', changes };
}

function parse(bytes) {
  if (bytes.length > MAX_BYTES) throw new Failure('manifest_invalid', `${MANIFEST} has more than ${MAX_BYTES} bytes`, MANIFEST);
  let manifest;
  try {
    manifest = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Failure('manifest_invalid', `${MANIFEST} is not JSON: ${oneLine(error.message)}`, MANIFEST);
  }
  if (!isObject(manifest)) throw new Failure('manifest_invalid', `${MANIFEST} is not a JSON object`, MANIFEST);
  return manifest;
}

/** Dotted numbers: phones and update services compare nothing else. */
function versionName(value) {
  if (absent(value)) throw new Failure('version_missing', `no version was given, and ${MANIFEST} has no version.name`, MANIFEST);
  if (typeof value !== 'string' || !/^\d{1,9}(?:\.\d{1,9}){0,3}$/.test(value)) {
    throw new Failure('version_invalid', `version.name must be numbers with dots between them, such as 1.0.1, not ${quote(value)}`, MANIFEST);
  }
  return value;
}

function versionCode(value) {
  if (absent(value)) throw new Failure('version_code_missing', `no version code was given, and ${MANIFEST} has no version.code`, MANIFEST);
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > MAX_CODE) {
    throw new Failure('version_code_invalid', `the version code must be a whole number from 1 to ${MAX_CODE}, not ${quote(value)}`, MANIFEST);
  }
  return Number(text);
}

const absent = (value) => value === undefined || value === null || value === '';
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const quote = (value) => (typeof value === 'string' ? `"${oneLine(value, 64)}"` : oneLine(JSON.stringify(value), 64));
