// Stage 2 against a vendor that refuses, breaks or lies: each verdict is a failure with the vendor's own words, recognised
// by the error table, and never a success without a receipt.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { problemWith } from '../lib/result.mjs';
import { drive } from '../testing/drive.mjs';
import { errorRows, recognise } from '../testing/errors.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';

const APP = 'wx0123456789abcdef';

// The code and text of the result, and the row of the error table that a person gets to read.
const scenarios = {
  'invalid-ip': ['20003', /"errCode":-10008,"errMsg":"invalid ip: 127\.0\.0\.1/, 'ip_not_allowed'],
  'ticket-fail': ['20003', /get new ticket fail/, 'key_or_app_mismatch'],
  plugin: ['20003', /80082/, 'plugin_not_authorized'],
  'too-big': ['20003', /80051.*source size 4473KB exceed max limit 2MB/, 'package_too_big'],
  'preload-too-big': ['20003', /80058/, 'preload_too_big'],
  'file-not-found': ['20003', /800059.*app\.js, file not found/, 'file_not_in_package'],
  sitemap: ['20003', /Invalid SiteMap/, 'sitemap_invalid'],
  'system-error': ['20003', /system error/, 'platform_error'],
  'rand-fail': ['20001', /errCode: -1/, 'platform_refused_session'],
  'rand-reset': ['20001', /socket hang up/, 'session_cut'],
  'http-502': ['20003', /is not valid JSON/, 'reply_not_json'],
  'html-200': ['20003', /is not valid JSON/, 'reply_not_json'],
  reset: ['20003', /socket hang up/, 'connection_cut'],
  'lost-reply': ['20003', /socket hang up/, 'connection_cut'],
  'no-qrcode': ['no_qrcode', /qrcode_img/, 'no_qrcode'],
};

const rows = errorRows(new URL('platform.toml', import.meta.url));
// The package had left: it may have been accepted.
const doubtful = new Set(['http-502', 'html-200', 'reset', 'lost-reply']);

test('what the vendor answers', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await vendor.app(base, APP);
  const project = writeTree(join(base, 'package'), miniProgram());
  const preview = (env = vendor.env) => drive(base, 'deliver', project, { job: { action: 'preview' }, env });
  const refused = ({ status, result, out }, code, text, row) => {
    assert.equal(status, 1);
    assert.equal(problemWith(result), null);
    assert.deepEqual([result.ok, result.code], [false, code], result.message);
    assert.match(result.message, text);
    assert.ok(!existsSync(join(out, 'qr.jpg')));
    const known = recognise(rows, `${code} ${result.message}`);
    assert.equal(known?.code, row);
    return known;
  };

  for (const [scenario, [code, text, row]] of Object.entries(scenarios)) {
    await t.test(scenario, async () => {
      await vendor.scenario(APP, scenario);
      assert.equal(refused(await preview(), code, text, row).uncertain, doubtful.has(scenario));
    });
  }

  await t.test('attributes it does not give are not needed', async () => {
    await vendor.scenario(APP, 'attr-fail');
    assert.equal((await preview()).result.ok, true);
  });
  await vendor.scenario(APP, 'ok');

  const keyFile = join(base, 'secret', 'private_key');
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = {
    'in one line': [pem.replaceAll('\n', ''), '20002', /DECODER|PEM|unsupported/, 'key_unreadable'],
    public: [other.publicKey.export({ type: 'spki', format: 'pem' }), '20002', /missing private key/, 'key_is_public'],
    'of another app': [other.privateKey.export({ type: 'pkcs8', format: 'pem' }), '20003', /signature/, 'signature_refused'],
  };
  for (const [name, [key, code, text, row]] of Object.entries(keys)) {
    await t.test(`a key ${name}`, async () => {
      writeFileSync(keyFile, key);
      refused(await preview(), code, text, row);
    });
  }
  await t.test('a key from Windows is fine', async () => {
    writeFileSync(keyFile, `\ufeff${pem.replaceAll('\n', '\r\n')}`);
    assert.equal((await preview()).result.ok, true);
  });

  await t.test('networks that fail', async () => {
    refused(await preview({ HTTPS_PROXY: vendor.env.HTTPS_PROXY }), '20001', /certificate/, 'tls_untrusted');
    refused(await preview({ HTTPS_PROXY: 'http://127.0.0.1:1' }), '20001', /tunneling socket could not be established/, 'proxy_failed');
  });

  await t.test('a robot that does not exist', async () => {
    refused(await drive(base, 'deliver', project, { job: { action: 'preview', options: { robot: 31 } }, env: vendor.env }), 'robot_invalid', /31/, 'robot_invalid');
  });
});
