// Stage 2: uploads the package of stage 1 with the key. Everything below /project is hostile input: copied as plain files, its
// configuration rewritten so that it names no other app and no place outside. No code of it runs.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { writeWhole } from '../lib/result.mjs';
import { copyTree, listTree } from '../lib/tree.mjs';
import { readCredential, signIn } from './credentials.mjs';
import { assertRequest, launchOf } from './launch.mjs';
import { CONFIG, deliveredConfig, readProject, skipUnshipped } from './project.mjs';
import { drawQr } from './qr.mjs';
import { receiptSizes } from './sizes.mjs';
import { loadVendor, quiet, vendorFailure } from './vendor.mjs';

// What the vendor's own command line says of itself: which compiler its servers take.
const COMPILER = { preview: { only_puck: true, compiler: 'puck' }, upload: { compiler: 'puck', only_puck: false } };
// Where the code of an uploaded version leads: scanned, to the first page.
const SCANNED = { path: '', query: '', scene: '990001', launchFrom: 'scan', location: 'qr_code' };
const STEPS = ['packed', 'uploaded', 'compiled'];

export async function deliver({ job, events, scratch }) {
  assertRequest(job);
  const channel = channelOf(job.options.channel);
  const credential = readCredential(job.secrets);
  const path = join(scratch.root, 'project');
  await copyTree(job.project, path, listTree(job.project, { skip: skipUnshipped }));
  const project = readProject(path, job.app_id);
  writeFileSync(join(path, CONFIG), `${JSON.stringify(deliveredConfig(project, job.app_id), null, 2)}\n`);

  const vendor = loadVendor(scratch);
  const hide = quiet(events, Object.values(credential));
  events.group(job.action);
  let step = 'start';
  const request = requestOf(job, { path, channel, version: vendor.version });
  const updateStatus = ({ upload, compile }) => {
    step = upload === 2 ? 'compile' : 'upload';
    const done = compile === 2 ? 3 : upload === 2 ? 2 : 1;
    events.progress(done, STEPS.length, STEPS[done - 1], { force: true });
  };
  let answer;
  try {
    await signIn(vendor, job.app_id, credential);
    answer = await vendor.tma.projectToQRCode({ ...request, updateStatus });
  } catch (error) {
    throw vendorFailure(error, step, hide);
  }
  // Only a receipt makes a success; the tool resolves with an object after the vendor said that it has compiled.
  if (step !== 'compile' || answer?.metrics?.appId !== job.app_id) throw new Failure('receipt_missing', 'the vendor tool ended without a receipt');
  const logId = String(answer?.metrics?.logId ?? '');
  const vendorReceipt = { cli: vendor.cli, ...(logId ? { log_id: logId } : {}), ...(channel ? { channel: Number(channel) } : {}) };
  const qr = await qrOf(vendor.tma, job, request, { events, hide });
  return {
    ok: true,
    version: job.version,
    ...qr.result,
    sizes: receiptSizes(answer?.passJson?.packageSize),
    vendor: { ...vendorReceipt, ...qr.receipt },
  };
}

function channelOf(value) {
  if (value === undefined || value === null || value === '') return '';
  if (!/^[1-9]\d{0,5}$/.test(String(value))) throw new Failure('channel_invalid', `the test channel must be a whole number from 1, not "${value}"`);
  return String(value);
}

function requestOf(job, { path, channel, version }) {
  const common = {
    project: { path },
    // The code is asked for afterwards, so that an upload does not fail for want of one.
    qrcode: { format: null },
    cache: false,
    copyToClipboard: false,
    localCompileVersion: `cli:${version}`,
    extraInfoJson: JSON.stringify(COMPILER[job.action]),
  };
  if (job.action === 'preview') return { ...common, page: launchOf(job) };
  const uploadOptions = {
    version: job.version,
    changeLog: job.description.trim() || job.version,
    needUploadSourcemap: true,
    needUploadCheck: false,
    extraCheckInfoJson: '{}',
    channel: channel || undefined,
  };
  return { ...common, page: SCANNED, uploadOptions };
}

/** → {result, receipt}. An upload has succeeded without its code, which template apps never have; a preview is nothing without. */
async function qrOf(tma, job, { project, page, uploadOptions }, { events, hide }) {
  let schema;
  try {
    const { ext } = await tma.detectValidExtApp(job.app_id, project.path);
    schema = await tma.makeSchema({
      devAppid: job.app_id,
      extAppid: ext?.extAppid ?? null,
      startPage: page.path,
      query: page.query,
      scene: page.scene,
      bdpLog: { launch_from: page.launchFrom, location: page.location, entrance_form: '990001', enter_from_merge: 'scan', enter_position: 'qr_code' },
      headers: {},
      type: job.action,
      uploadOptions,
    });
    if (!/^https?:\/\//.test(schema.shortUrl)) throw new Error('the reply has no short address');
    writeWhole(join(job.out, 'qr.png'), await drawQr(schema.shortUrl));
  } catch (error) {
    const text = hide(error?.message ?? error);
    if (job.action === 'preview') throw new Failure('no_qrcode', text || 'the platform gave no QR code');
    events.warn('no_qrcode', `the version is uploaded, but the platform gave no QR code for it: ${text}`);
    return { result: {}, receipt: {} };
  }
  const { shortUrl, expireTime } = schema;
  const expires = Number.isSafeInteger(expireTime) && expireTime > 0 ? { qr_expires_at: expireTime * 1000 } : {};
  return { result: { qr: 'qr.png', qr_url: shortUrl, ...expires }, receipt: { short_url: shortUrl, expire_time: expireTime } };
}
