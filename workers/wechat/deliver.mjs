// Stage 2: uploads the package of stage 1 with the key. No repository code may run here and no file outside the package may
// reach the vendor: everything below /project is hostile input, copied, stripped of configuration and compiled no further.

import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { writeWhole } from '../lib/result.mjs';
import { copyTree, listTree } from '../lib/tree.mjs';
import { deliverSetting } from './options.mjs';
import { skipVendorIgnored } from './project.mjs';
import { qrName } from './qr.mjs';
import { confinedNodeOptions } from './sandbox.mjs';
import { plainName } from './sizes.mjs';
import { disarmSourceMaps } from './sourcemaps.mjs';
import { loadVendor, progressReporter, vendorFailure } from './vendor.mjs';

// These steer the vendor's tool (compiler plugins, sources elsewhere, proxies), so the package's own are never used.
const STEERING = new Set(['project.config.json', 'project.private.config.json', '.npmrc']);

export async function deliver({ job, events, scratch }) {
  const robot = robotOf(job);
  const privateKeyPath = join(job.secrets, 'private_key');
  assertKey(privateKeyPath);
  const projectPath = join(scratch.root, 'project');
  const files = await copyPackage(job.project, projectPath, events);

  const { ci, cli } = loadVendor();
  process.env.NODE_OPTIONS = confinedNodeOptions({ read: [projectPath], write: [scratch.cwd], secrets: job.secrets });
  events.group(job.action);
  const progress = progressReporter(events, files);
  const qrPath = join(scratch.root, 'qr');
  let answer;
  try {
    const project = new ci.Project({ appid: job.app_id, type: 'miniProgram', projectPath, privateKeyPath });
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
  if (answer === null || typeof answer !== 'object') throw new Failure('no_receipt', 'the vendor tool ended without a receipt');
  progress.finish(job.action);
  return { ok: true, version: job.version, ...(job.action === 'preview' ? keepQr(qrPath, job.out) : {}), ...receipt(answer, cli, robot) };
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

async function copyPackage(from, to, events) {
  const entries = listTree(from, { skip: (path, kind) => STEERING.has(posix.basename(path)) || skipVendorIgnored(path, kind) });
  await copyTree(from, to, entries);
  writeFileSync(join(to, 'project.config.json'), '{"miniprogramRoot":""}');
  const files = entries.filter((entry) => entry.kind === 'file').map((entry) => entry.path);
  if (!files.includes('app.json')) throw new Failure('app_json_missing', 'there is no app.json in the package', 'app.json');
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

function receipt(answer, cli, robot) {
  const list = (value) => (Array.isArray(value) ? value : []);
  const sizes = list(answer.subPackageInfo).filter(({ size }) => Number.isSafeInteger(size) && size >= 0);
  return {
    sizes: sizes.map(({ name, size }) => ({ name: plainName(name) || '__APP__', bytes: size })),
    vendor: {
      cli,
      robot,
      plugins: list(answer.pluginInfo),
      ...(answer.devPluginId ? { dev_plugin_id: String(answer.devPluginId) } : {}),
      ...(answer.strUint64Version ? { version_id: String(answer.strUint64Version) } : {}),
    },
  };
}
