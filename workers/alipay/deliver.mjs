// Stage 2: hands the package of stage 1 to the vendor. Everything below /project is hostile input: plain files are copied, and
// only a confined process that can start nothing ever holds the key beside them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { copyTree, listTree } from '../lib/tree.mjs';
import { startKeyed } from './confine.mjs';
import { readCredentials } from './credentials.mjs';
import { isSteering, skipVendorIgnored } from './package.mjs';
import { CONFIG, readProject } from './project.mjs';
import { keepQr } from './qr.mjs';
import { passingReport, REPORT } from './report.mjs';
import { CLI } from './vendor.mjs';

// The tool asks for ever. Parts of the job's time; whatever came before, each limit comes before the driver's own.
const LIMITS = {
  session: { part: 0.25, code: 'session_timeout', message: 'Alipay did not answer the first question' },
  remote_build: { part: 0.7, code: 'remote_build_timeout', message: 'the build at Alipay did not end' },
  experience: { part: 0.15, code: 'experience_timeout', message: 'setting the trial version did not end' },
};

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

export async function deliver({ job, events, scratch }) {
  const credentials = readCredentials(job.secrets);
  const preview = job.action === 'preview';
  if (!preview && !VERSION.test(job.version)) throw new Failure('version_invalid', `"${job.version}" is not a version of three numbers`);
  const place = join(scratch.root, 'keyed');
  const project = join(place, 'project');
  mkdirSync(place);
  await (preview ? copyBuilt : copySources)(job, project);

  const common = { appId: job.app_id, project };
  const trial = !preview && [true, 'true', 'on'].includes(job.options.experience);
  const todo = preview
    ? [{ task: 'preview', ...common, ...launch(job) }]
    : [{ task: 'upload', ...common, version: job.version, description: job.description || undefined }, ...(trial ? [{ task: 'experience', ...common, version: job.version }] : [])];
  const { done, failure } = await work({ job, events, place, credentials, todo });

  if (preview) {
    if (!done.preview) throw failure;
    const qr = await keepQr(done.preview.qrCodeUrl, job.out);
    return { ok: true, version: job.version, ...qr, sizes: [], vendor: { cli: CLI, preview_version: String(done.preview.version ?? '') } };
  }
  if (!done.upload) throw failure;
  const { version } = done.upload;
  if (typeof version !== 'string' || version === '') throw new Failure('receipt_missing', 'the vendor tool ended without a receipt');
  // The version is there, whatever becomes of the rest: a failure now would hide it.
  const qr = trial ? await trialQr(done.experience, failure, job, events) : {};
  return { ok: true, version, ...qr, sizes: [], vendor: { cli: CLI, ...(trial ? { experience: done.experience !== undefined } : {}) } };
}

async function copySources(job, project) {
  const leftOut = (path, kind) => isSteering(path) || skipVendorIgnored(path, kind);
  await copyTree(job.project, project, listTree(job.project, { skip: leftOut }));
  const { config } = readProject(project, job.app_id);
  if (config !== null) writeFileSync(join(project, CONFIG), JSON.stringify(config));
}

async function copyBuilt(job, project) {
  await copyTree(job.project, project, listTree(job.project, { skip: (path) => isSteering(path) || path === CONFIG }));
  writeFileSync(join(project, REPORT), JSON.stringify(passingReport(project, { appId: job.app_id, project })));
}

/** The query goes to the page and to the program as a whole: that is where people look for one. */
function launch(job) {
  const query = job.query.replace(/^\?/, '') || undefined;
  return {
    page: job.page_path.replace(/^\/+/, '') || undefined,
    pageQuery: query,
    query,
    scene: job.scene === undefined ? undefined : String(job.scene),
  };
}

/** Runs the tasks in the keyed process. → {done: answers by task, failure: what stopped it, if anything did} */
async function work({ job, events, place, credentials, todo }) {
  const started = Date.now();
  const done = {};
  let failure;
  let limit;
  const say = (text) => String(text).split('\n').forEach((line) => events.log(line));
  const on = ({ phase, log, done: task, answer, failed }) => {
    if (log !== undefined) say(log);
    if (task) done[task] = answer;
    if (failed) failure = vendorFailure(failed);
    if (phase) enter(phase);
  };
  const { child, ended } = startKeyed({ scratch: place, secrets: job.secrets, on, print: say });
  const enter = (phase) => {
    clearTimeout(limit);
    events.group(phase);
    if (!LIMITS[phase]) return;
    const { part, code, message } = LIMITS[phase];
    const left = job.timeout_seconds * 0.95 - (Date.now() - started) / 1000;
    const seconds = Math.max(1, Math.round(Math.min(job.timeout_seconds * part, left)));
    limit = setTimeout(() => {
      failure = new Failure(code, `${message} (${seconds} s)`);
      child.kill('SIGKILL');
    }, seconds * 1000);
  };
  child.send({ credentials, todo });
  const { status, signal } = await ended;
  clearTimeout(limit);
  return { done, failure: failure ?? new Failure('worker_ended_early', `the keyed process ended early (${signal ?? status})`) };
}

/** The tool's own code and words; an error that is not the tool's is named by what it broke. */
function vendorFailure({ phase, errorCode, code, message, payload }) {
  const text = [errorCode ? '' : code, message].filter(Boolean).join(' ');
  const rest = (payload ?? []).filter((line) => !text.includes(line));
  return new Failure(errorCode ?? `${phase}_failed`, [text, ...rest].join('\n'));
}

async function trialQr(answer, failure, job, events) {
  if (answer === undefined) {
    events.warn('experience_failed', `${job.version} was uploaded but is not the trial version: ${failure.message}; set it in Alipay's console`);
    return {};
  }
  try {
    return await keepQr(answer?.qrCodeUrl, job.out);
  } catch (error) {
    events.warn(error.code, `${job.version} is uploaded and the trial version, but without a QR code here: ${error.message}`);
    return /^https:\/\//.test(answer?.qrCodeUrl ?? '') ? { qr_url: answer.qrCodeUrl } : {};
  }
}
