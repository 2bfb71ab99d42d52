// Stage 2: the vendor's network and the key, so no code of the repository may run here, not as a plugin and not through a
// configuration file: take away what the vendor's tool would obey, and write a test that tries to get at the key.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { writeWhole } from '../lib/result.mjs';
import { listTree } from '../lib/tree.mjs';
import { drawQr } from './qr.mjs';
import { misbehave, mayDraw } from './tricks.mjs';

const NOTHING_SENT = 'this is the example platform: nothing was sent anywhere';
const QR_LIFE = 10 * 60 * 1000;

export async function deliver({ job, events }) {
  const token = readToken(job.secrets);
  const files = listTree(job.project).filter(({ kind }) => kind === 'file');
  await misbehave('deliver', { job, events });

  events.group(job.action);
  files.forEach(({ path }, index) => events.progress(index, files.length, path));
  // Here a real driver calls the vendor's tool with `token`, and throws `new Failure(code, message)` with the vendor's own words.
  events.log(`${NOTHING_SENT}; a token of ${token.length} characters was there to do it with`);
  events.progress(files.length, files.length, job.action, { force: true });

  return {
    ok: true,
    version: job.version,
    sizes: [],
    // The receipt, kept with the release: what the vendor answered, as proof that the version is there.
    vendor: { note: NOTHING_SENT, trial: isOn(job.options.trial) },
    ...(job.action === 'preview' && mayDraw(job) ? qrCode(job.out) : {}),
  };
}

function readToken(secrets) {
  try {
    return readFileSync(join(secrets, 'token'), 'utf8').trim();
  } catch {
    throw new Failure('token_missing', 'the token of this program is not configured');
  }
}

/** A preview succeeds only with its QR code. The time is the vendor's where it names one; else leave it out, and `qr_ttl` counts. */
function qrCode(out) {
  writeWhole(join(out, 'qr.png'), drawQr());
  return { qr: 'qr.png', qr_expires_at: Date.now() + QR_LIFE };
}

/** A bool comes as such or as its text. */
const isOn = (value) => value === true || value === 'true';
