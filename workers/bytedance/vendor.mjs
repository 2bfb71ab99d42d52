// Loads tt-ide-cli, keeps what it prints in order and translates its errors. Must not know where a project comes from.

import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Failure } from '../lib/failure.mjs';

const require = createRequire(import.meta.url);

/**
 * The tool fixes its paths while it loads, so its home and its temporary folder are set first: a cache of previews in the
 * latter is shared by all projects. Nothing is reported to the vendor about this machine.
 */
export function loadVendor(scratch) {
  const home = join(scratch.root, 'tma');
  const tmp = join(scratch.root, 'tmp');
  for (const dir of [home, tmp]) mkdirSync(dir, { mode: 0o700 });
  Object.assign(process.env, { TMA_CLI_HOME: home, TMPDIR: tmp, HOME: home, ALLOW_REPORT_EVENT: 'no' });
  // These make it behave as another of the vendor's programs, with settings and addresses from files.
  for (const name of ['isCli', 'isIDE', 'isMiniGameCli']) delete process.env[name];
  const { version } = require('tt-ide-cli/package.json');
  return { tma: require('tt-ide-cli'), version, cli: `tt-ide-cli ${version}`, home };
}

/**
 * From here on the tool's words are log lines. Its network errors carry the request with the token and the session in it,
 * so of an error only the message is kept. → what hides the given secrets in any text
 */
export function quiet(events, secrets = []) {
  // A shorter one would blank out half the log; the server hides it as well.
  const hidden = secrets.filter((secret) => secret.length >= 4);
  const hide = (text) => hidden.reduce((safe, secret) => safe.replaceAll(secret, '***'), String(text));
  const plain = (value) => (typeof value === 'string' ? value : value instanceof Error ? value.message : inspect(value, { depth: 1, breakLength: Infinity }));
  for (const level of ['log', 'info', 'warn', 'error', 'debug']) {
    console[level] = (...values) => events.log(hide(values.map(plain).join(' ')));
  }
  return hide;
}

// What a failure that is no verdict of the tool means, by how far things had come; see the table in README.md.
const BROKEN_OFF = { start: 'request_failed', upload: 'upload_unanswered', compile: 'compile_unknown' };

/** The vendor's own words under a code of their kind: "Upload Error" is `upload_error`. `step` is a key of BROKEN_OFF. */
export function vendorFailure(error, step, hide) {
  const named = /^(Login|Meta|Hash|Project|PackageSize|Compress|Upload|Compile|Schema|QRCode) Error$/.exec(error?.name)?.[1];
  const text = hide(words(error));
  if (named === undefined) return new Failure(BROKEN_OFF[step], text + asked(error));
  // The tool takes a page that is no reply for a refusal without a word.
  if (named === 'Upload' && step === 'upload' && text === '') return new Failure('upload_unanswered', "the reply to the upload was not the platform's");
  if (named === 'Compile' && text === '查询编译进度超时') return new Failure('compile_timeout', text);
  // -1 is the tool's own, for a question about the progress that failed.
  if (named === 'Compile' && error.code === -1) return new Failure('compile_unknown', text);
  const code = `${named.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()}_error`;
  const number = Number.isInteger(error.code) && ![0, 1, -1].includes(error.code) ? ` (${error.code})` : '';
  const link = typeof error.errLink === 'string' && error.errLink !== '' ? ` ${error.errLink}` : '';
  return new Failure(code, `${text || 'refused without a word'}${number}${link}`);
}

function words(error) {
  const message = String(error?.message ?? error);
  // The tool makes messages of whatever the vendor sent.
  if (['undefined', 'null', '[object Object]'].includes(message)) return '';
  // Several addresses that all failed leave a code and no message.
  return message === '' && typeof error?.code === 'string' ? error.code : message;
}

function asked(error) {
  const { method, url } = error?.config ?? {};
  if (typeof url !== 'string') return '';
  const { host, pathname } = new URL(url);
  return ` (${String(method).toUpperCase()} ${host}${pathname})`;
}
