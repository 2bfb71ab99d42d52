// Reads and checks job.json (../README.md has the fields). Knows no platform: options are passed through unread.

import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { Failure } from './failure.mjs';

const STAGES = ['prepare', 'deliver'];
const REQUIRED = ['release', 'nonce', 'stage', 'action', 'platform', 'app_id', 'project', 'out'];
const TEXTS = ['description', 'environment', 'page_path', 'query'];

/** Throws a Failure `job_invalid` naming the field; fills defaults so that drivers need none. */
export function readJob(path, stage) {
  let job;
  try {
    job = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Failure('job_invalid', `cannot read the job: ${error.message}`);
  }
  return checkJob(job, stage);
}

export function checkJob(job, stage) {
  const bad = (field, why) => new Failure('job_invalid', `job.${field} ${why}`);
  if (job === null || typeof job !== 'object' || Array.isArray(job)) throw new Failure('job_invalid', 'the job is not an object');
  for (const field of REQUIRED) {
    if (typeof job[field] !== 'string' || job[field] === '') throw bad(field, 'must be a non-empty string');
  }
  // Empty where the platform takes the project's own version; a result always has one.
  if (typeof job.version !== 'string') throw bad('version', 'must be a string');
  for (const field of TEXTS) {
    if (job[field] != null && typeof job[field] !== 'string') throw bad(field, 'must be a string');
  }
  if (!STAGES.includes(job.stage)) throw bad('stage', `must be one of ${STAGES.join(', ')}`);
  if (stage !== undefined && job.stage !== stage) throw bad('stage', `is "${job.stage}", but the command asks for "${stage}"`);
  if (!/^[A-Za-z0-9_-]{16,128}$/.test(job.nonce)) throw bad('nonce', 'must be 16 to 128 letters, digits, - or _');
  for (const field of ['project', 'out']) {
    if (!isAbsolute(job[field])) throw bad(field, 'must be an absolute path');
  }
  if (job.stage === 'deliver' && (typeof job.secrets !== 'string' || !isAbsolute(job.secrets))) {
    throw bad('secrets', 'must be an absolute path in the deliver stage');
  }
  return {
    ...job,
    attempt: whole(job.attempt, 1) ?? 1,
    description: job.description ?? '',
    environment: job.environment ?? '',
    page_path: job.page_path ?? '',
    query: job.query ?? '',
    scene: whole(job.scene, 0),
    robot: whole(job.robot, 1),
    options: job.options !== null && typeof job.options === 'object' && !Array.isArray(job.options) ? job.options : {},
    threads: whole(job.threads, 1) ?? 2,
    timeout_seconds: whole(job.timeout_seconds, 1) ?? 900,
  };
}

/** A whole number of at least `min`, also when a form sent it as text; undefined otherwise. */
function whole(value, min) {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return Number.isSafeInteger(number) && number >= min ? number : undefined;
}
