// Loads miniprogram-ci and translates its progress and its errors. Must not know where a project comes from or what a key is.

import { createRequire } from 'node:module';
import { Failure } from '../lib/failure.mjs';

const require = createRequire(import.meta.url);

/** Loading takes about a second and 150 MB, so it happens only after the cheap checks. */
export function loadVendor() {
  const { version } = require('miniprogram-ci/package.json');
  return { ci: require('miniprogram-ci'), cli: `miniprogram-ci ${version}` };
}

/** What the vendor's server would say about an ordinary mini-program; makes the compile step work offline. */
export const OFFLINE_ATTR = {
  platform: false,
  appType: 0,
  gameApp: false,
  isSandbox: false,
  released: false,
  setting: {
    MaxCodeSize: 2,
    MaxSubpackageSubCodeSize: 2,
    MaxSubpackageFullCodeSize: 12,
    NavigateMiniprogramLimit: 10,
    MaxSubPackageLimit: 100,
    MinTabbarCount: 2,
    MaxTabbarCount: 5,
    MaxCustomTabbarCount: 10,
    MaxTabbarIconSize: 40,
  },
};

/**
 * An `onProgressUpdate` handler. The tool reports about three lines a file and no totals; each script, template and
 * style sheet passes two steps, which gives the estimate that `files` (paths) is counted for.
 */
export function progressReporter(events, files) {
  const estimate = 2 * files.filter((path) => /\.(js|ts|wxml|wxss|less|sass|scss)$/.test(path)).length;
  const steps = new Set();
  const closed = new Set();
  const total = () => Math.max(estimate, steps.size);
  return {
    update(task) {
      if (typeof task === 'string') return events.log(task);
      const { id, status, message } = task;
      if (status === 'warn' || status === 'fail') events.log(`${status}: ${message}`);
      // Ids are per step; only steps about one file are counted, the few about the whole would blur the estimate.
      if (status === 'doing' && /^Compiling /.test(message)) steps.add(id);
      if (status === 'done' && steps.has(id)) closed.add(id);
      if (status === 'doing' || steps.has(id)) events.progress(closed.size, total(), message);
    },
    finish(what) {
      events.progress(total(), total(), what, { force: true });
    },
  };
}

/** The vendor's own code, text and path; only an error without a code gets one from us. */
export function vendorFailure(error) {
  const message = String(error?.message ?? error);
  const code = /No `qrcode_img` in response/.test(message) ? 'no_qrcode' : String(error?.code ?? 'vendor_error');
  return new Failure(code, message, typeof error?.path === 'string' && error.path !== '' ? error.path : undefined);
}
