// Stage 2: uploads the package of stage 1 with the key. No repository code may run here and no file outside the package may
// reach the vendor: everything below /project is hostile input, copied, stripped of configuration and compiled no further.

import { accessSync, constants, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { writeWhole } from '../lib/result.mjs';
import { copyTree, listTree } from '../lib/tree.mjs';
import { kindOf, packageConfig, packageRoots } from './kinds.mjs';
import { deliverSetting } from './options.mjs';
import { skipVendorIgnored } from './project.mjs';
import { qrName } from './qr.mjs';
import { confinedNodeOptions } from './sandbox.mjs';
import { plainName, subpackages } from './sizes.mjs';
import { disarmSourceMaps } from './sourcemaps.mjs';
import { loadVendor, progressReporter, vendorFailure } from './vendor.mjs';

// These steer the vendor's tool (compiler plugins, sources elsewhere, proxies), so the package's own are never used.
const STEERING = new Set(['project.config.json', 'project.private.config.json', '.npmrc']);

const MAX_CONFIG = 64 * 1024;

export async function deliver({ job, events, scratch }) {
  const robot = robotOf(job);
  const privateKeyPath = join(job.secrets, 'private_key');
  assertKey(privateKeyPath);
  const projectPath = join(scratch.root, 'project');
  const kind = packageKind(job.project);
  const files = await copyPackage(job.project, projectPath, kind, events);

  const { ci, cli } = loadVendor();
  process.env.NODE_OPTIONS = confinedNodeOptions({ read: [projectPath], write: [scratch.cwd], secrets: job.secrets });
  events.group(job.action);
  const progress = progressReporter(events, files);
  const qrPath = join(scratch.root, 'qr');
  let answer;
  try {
    const project = new ci.Project({ appid: job.app_id, type: kind.type, projectPath, privateKeyPath });
    const common = {
      project,
      version: job.version,
      desc: job.description || undefined,
      robot,
      setting: deliverSetting(job.options),
      threads: job.threads,
      onProgressUpdate: progress.update,
    };
    answer = job.action === 'preview' ? await ci.preview({ ...common, ...launch(job), qrcodeFormat: 'image', qrcodeOutputDest: qrPath }) : await ci.upload(common);
  } catch (error) {
    throw vendorFailure(error);
  }
  if (answer === null || typeof answer !== 'object') throw new Failure('receipt_missing', 'the vendor tool ended without a receipt');
  progress.finish(job.action);
  const names = subpackageNames(join(projectPath, packageRoots(kind).root, kind.json));
  const qr = job.action === 'preview' ? keepQr(qrPath, job.out) : {};
  return { ok: true, version: job.version, ...qr, ...receipt(answer, { cli, robot, names }) };
}

function robotOf(job) {
  const robot = Number(job.robot ?? job.options.robot ?? 1);
  if (!Number.isInteger(robot) || robot < 1 || robot > 30) throw new Failure('robot_invalid', `the CI robot must be a number from 1 to 30, not "${robot}"`);
  return robot;
}

function assertKey(path) {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new Failure('private_key_missing', 'the upload key of this program is not configured');
  }
}

/**
 * One word of the package's configuration counts, and it steers no code. Whatever is wrong with the file is not quoted:
 * it may be a link to the key.
 */
function packageKind(project) {
  const path = join(project, 'project.config.json');
  try {
    const stat = lstatSync(path);
    const readable = stat.isFile() && stat.size <= MAX_CONFIG;
    return kindOf(readable ? JSON.parse(readFileSync(path, 'utf8')).compileType : undefined);
  } catch {
    return kindOf(undefined);
  }
}

async function copyPackage(from, to, kind, events) {
  const entries = listTree(from, { skip: (path, what) => STEERING.has(posix.basename(path)) || skipVendorIgnored(path, what) });
  await copyTree(from, to, entries);
  writeFileSync(join(to, 'project.config.json'), packageConfig(kind));
  const files = entries.filter((entry) => entry.kind === 'file').map((entry) => entry.path);
  const main = packageRoots(kind).root + kind.json;
  if (!files.includes(main)) throw new Failure(`${kind.json.replace('.', '_')}_missing`, `there is no ${main} in the package`, main);
  const changed = disarmSourceMaps(to, files);
  if (changed.length > 0) {
    const names = `${changed.slice(0, 3).join(', ')}${changed.length > 3 ? ` and ${changed.length - 3} more` : ''}`;
    events.warn('source_map_changed', `source maps that name files without containing them were changed: ${names}`);
  }
  return files;
}

function launch(job) {
  return {
    pagePath: job.page_path.replace(/^\/+/, '') || undefined,
    searchQuery: job.query.replace(/^\?/, '') || undefined,
    scene: job.scene ?? 1011,
  };
}

/** A preview is nothing without its QR code, whatever else the vendor answered. */
function keepQr(path, out) {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Failure('no_qrcode', 'the vendor tool wrote no QR code');
  }
  const qr = qrName(bytes);
  if (qr === null) throw new Failure('no_qrcode', 'what the vendor sent as a QR code is neither JPEG nor PNG');
  writeWhole(join(out, qr), bytes);
  return { qr };
}

/** The vendor calls sub-packages by their declared names where there are some; we call them by their roots. */
function subpackageNames(path) {
  try {
    return new Map(subpackages(JSON.parse(readFileSync(path, 'utf8'))).map(({ root, name }) => [name, root]));
  } catch {
    return new Map();
  }
}

function receipt(answer, { cli, robot, names }) {
  const list = (value) => (Array.isArray(value) ? value : []);
  const sizes = list(answer.subPackageInfo).filter(({ size }) => Number.isSafeInteger(size) && size >= 0);
  return {
    sizes: sizes.map(({ name, size }) => ({ name: names.get(name) ?? (plainName(name) || '__APP__'), bytes: size })),
    vendor: {
      cli,
      robot,
      plugins: list(answer.pluginInfo),
      ...(answer.devPluginId ? { dev_plugin_id: String(answer.devPluginId) } : {}),
      ...(answer.strUint64Version ? { version_id: String(answer.strUint64Version) } : {}),
    },
  };
}
