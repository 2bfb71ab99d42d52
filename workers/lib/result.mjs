// Writes result.json so that it is either whole or absent, and says what a valid one is (../README.md). Knows no platform.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { clean } from './text.mjs';

const NAMES = ['result.json', 'qr.png', 'qr.jpg'];

/** A result left by somebody else must not be taken for ours. */
export function clearResult(out) {
  for (const name of NAMES) rmSync(join(out, name), { force: true });
}

export function writeResult(out, result) {
  writeWhole(join(out, 'result.json'), `${JSON.stringify(result)}\n`);
}

export function writeWhole(path, content) {
  const temporary = `${path}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', 0o644);
  try {
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Any error as a failed result; `fallback` is the code of errors that bring none. */
export function failed(error, fallback = 'worker_error') {
  const code = String(error?.code ?? '').replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64) || fallback;
  const message = clean(error?.message ?? error) || code;
  const path = error instanceof Failure || typeof error?.path === 'string' ? error.path : undefined;
  return { ok: false, code, message, ...(path ? { path: clean(path, 500) } : {}) };
}

/** Null when `value` is a valid result, else what is wrong with it. The server applies the same rules. */
export function problemWith(value) {
  const text = (v, max) => typeof v === 'string' && v !== '' && v.length <= max;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'not an object';
  if (typeof value.ok !== 'boolean') return 'ok is not a boolean';
  if (!value.ok) {
    if (typeof value.code !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(value.code)) return 'code';
    if (!text(value.message, 8192)) return 'message';
    return value.path === undefined || text(value.path, 1024) ? null : 'path';
  }
  if (!text(value.version, 64)) return 'version';
  if (value.qr !== undefined && value.qr !== 'qr.png' && value.qr !== 'qr.jpg') return 'qr';
  if (value.qr_url !== undefined && !(text(value.qr_url, 2048) && /^https?:\/\//.test(value.qr_url))) return 'qr_url';
  if (value.qr_expires_at !== undefined && !(Number.isSafeInteger(value.qr_expires_at) && value.qr_expires_at > 0)) return 'qr_expires_at';
  if (value.kind !== undefined && !(typeof value.kind === 'string' && /^[a-z][a-z-]{0,31}$/.test(value.kind))) return 'kind';
  if (!Array.isArray(value.sizes)) return 'sizes';
  for (const size of value.sizes) {
    if (!text(size?.name, 256) || !Number.isSafeInteger(size.bytes) || size.bytes < 0) return 'sizes';
  }
  if (value.vendor === null || typeof value.vendor !== 'object' || Array.isArray(value.vendor)) return 'vendor';
  return null;
}
