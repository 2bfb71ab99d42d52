// Stage 2 against a vendor that refuses, breaks or lies: each verdict is a failure with the vendor's own words, recognised
// by the error table, and never a success without a receipt.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { problemWith } from '../lib/result.mjs';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';

const APP = 'wx0123456789abcdef';

const scenarios = {
  'invalid-ip': ['20003', /"errCode":-10008,"errMsg":"invalid ip: 127\.0\.0\.1/],
  'ticket-fail': ['20003', /get new ticket fail/],
  plugin: ['20003', /80082/],
  'too-big': ['20003', /80051.*source size 4473KB exceed max limit 2MB/],
  'preload-too-big': ['20003', /80058/],
  'file-not-found': ['20003', /800059.*app\.js, file not found/],
  sitemap: ['20003', /Invalid SiteMap/],
  'system-error': ['20003', /system error/],
  'rand-fail': ['20001', /errCode: -1/],
  'http-502': ['20003', /is not valid JSON/],
  'html-200': ['20003', /is not valid JSON/],
  reset: ['20003', /socket hang up/],
  'lost-reply': ['20003', /socket hang up/],
  'no-qrcode': ['no_qrcode', /qrcode_img/],
};

test('what the vendor answers', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await vendor.app(base, APP);
  const project = writeTree(join(base, 'package'), miniProgram());
  const preview = (env = vendor.env) => drive(base, 'deliver', project, { job: { action: 'preview' }, env });
  const refused = ({ status, result, out }, code, text) => {
    assert.equal(status, 1);
    assert.equal(problemWith(result), null);
    assert.deepEqual([result.ok, result.code], [false, code], result.message);
    assert.match(result.message, text);
    assert.ok(!existsSync(join(out, 'qr.jpg')));
  };

  for (const [scenario, [code, text]] of Object.entries(scenarios)) {
    await t.test(scenario, async () => {
      await vendor.scenario(APP, scenario);
      refused(await preview(), code, text);
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
    'in one line': [pem.replaceAll('\n', ''), '20002', /DECODER|PEM|unsupported/],
    public: [other.publicKey.export({ type: 'spki', format: 'pem' }), '20002', /missing private key/],
    'of another app': [other.privateKey.export({ type: 'pkcs8', format: 'pem' }), '20003', /signature/],
  };
  for (const [name, [key, code, text]] of Object.entries(keys)) {
    await t.test(`a key ${name}`, async () => {
      writeFileSync(keyFile, key);
      refused(await preview(), code, text);
    });
  }
  await t.test('a key from Windows is fine', async () => {
    writeFileSync(keyFile, `\ufeff${pem.replaceAll('\n', '\r\n')}`);
    assert.equal((await preview()).result.ok, true);
  });

  await t.test('networks that fail', async () => {
    refused(await preview({ HTTPS_PROXY: vendor.env.HTTPS_PROXY }), '20001', /certificate/);
    refused(await preview({ HTTPS_PROXY: 'http://127.0.0.1:1' }), '20001', /tunneling socket could not be established/);
  });

  await t.test('a robot that does not exist', async () => {
    refused(await drive(base, 'deliver', project, { job: { action: 'preview', options: { robot: 31 } }, env: vendor.env }), 'robot_invalid', /31/);
  });
});
