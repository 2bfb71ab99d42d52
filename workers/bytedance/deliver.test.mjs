// Stage 2 against a vendor that refuses, breaks or lies: each verdict is a failure with the vendor's own words where there are
// any, recognised by the error table, and never a success without a receipt.

import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { problemWith } from '../lib/result.mjs';
import { startDirect } from '../testing/direct.mjs';
import { drive } from '../testing/drive.mjs';
import { errorRows, recognise } from '../testing/errors.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing } from '../testing/vendor.mjs';

const APP = 'tt53414d50414e0001';
const TOKEN = 'open-sesame-0123456789';
const ACCOUNT = { email: 'harbour@example.com', password: 'p4ss & word' };
const program = (changes) => miniProgram({ 'project.config.json': { appid: APP }, ...changes });

// The code and text of the result, the row of the error table that a person gets to read, and whether it is in doubt.
const scenarios = {
  'meta-502': ['request_failed', /status code 502 \(GET developer\.toutiao\.com\/api\/apps\/v3\/meta\)/, 'request_failed', false],
  'meta-fail': ['meta_error', /not available/, 'app_refused', false],
  'invalid-ip': ['upload_error', /invalid ip: 127\.0\.0\.1/, 'ip_not_allowed', false],
  'dev-config': ['upload_error', /请先完成开发配置 \(100001\)/, 'dev_settings_missing', false],
  'system-error': ['upload_error', /system error/, 'platform_refused', false],
  'http-502': ['upload_unanswered', /status code 502 \(PUT /, 'upload_unanswered', true],
  'html-200': ['upload_unanswered', /not the platform's/, 'upload_unanswered', true],
  reset: ['upload_unanswered', /socket hang up/, 'upload_unanswered', true],
  'lost-reply': ['upload_unanswered', /socket hang up/, 'upload_unanswered', true],
  hang: ['vendor_timeout', /4 s/, 'vendor_timeout', true],
  'compile-fail': ['compile_error', /pages\/gone\/gone/, 'vendor_compile_failed', false],
  'compile-502': ['compile_unknown', /status code 502/, 'compile_unknown', true],
  'compile-hang': ['compile_timeout', /查询编译进度超时/, 'compile_timeout', true],
};

const rows = errorRows(new URL('platform.toml', import.meta.url));

test('what the vendor answers', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startDirect(base);
  t.after(() => vendor.close());
  await vendor.register(APP, 'bytedance', JSON.stringify({ token: TOKEN, ...ACCOUNT }));
  vendor.secrets(base, { token: TOKEN });
  const project = writeTree(join(base, 'package'), program());
  const deliver = (job = {}, env = vendor.hurried, from = project) =>
    drive(base, 'deliver', from, { job: { platform: 'bytedance', app_id: APP, version: '1.0.1', ...job }, env });
  const refused = ({ status, result, out, stdout, stderr }, [code, text, row, doubt]) => {
    assert.equal(status, 1);
    assert.equal(problemWith(result), null);
    assert.deepEqual([result.ok, result.code], [false, code], result.message);
    assert.match(result.message, text);
    assert.ok(!existsSync(join(out, 'qr.png')));
    const known = recognise(rows, `${code} ${result.message}`);
    assert.deepEqual([known?.code, known?.uncertain], [row, doubt]);
    assert.ok(!(stdout + stderr).includes(TOKEN), 'no token in the log');
  };

  for (const [scenario, verdict] of Object.entries(scenarios)) {
    await t.test(scenario, async () => {
      await vendor.scenario(APP, scenario);
      // A version of its own each time: some of them are accepted in secret.
      const version = `1.1.${Object.keys(scenarios).indexOf(scenario)}`;
      refused(await deliver({ version, timeout_seconds: scenario === 'hang' ? 4 : 60 }), verdict);
    });
  }
  assert.equal((await vendor.uploads(APP)).at(-1).version, '1.1.12', 'what was in doubt did arrive');

  await t.test('a template has no code for a version: uploaded all the same, with a warning', async () => {
    await vendor.scenario(APP, 'template');
    const run = await deliver({ version: '1.2.0' });
    assert.equal(run.status, 0, run.stdout);
    assert.deepEqual([run.result.qr, run.result.qr_url, existsSync(join(run.out, 'qr.png'))], [undefined, undefined, false]);
    assert.ok(run.result.sizes.length > 0 && run.result.vendor.log_id);
    assert.match(run.stdout, /"warn":\{"code":"no_qrcode"/);
    assert.equal((await deliver({ action: 'preview' })).status, 0, 'its previews have one');
  });
  await t.test('a preview without a code has failed', async () => {
    await vendor.scenario(APP, 'no-qrcode');
    refused(await deliver({ action: 'preview' }), ['no_qrcode', /no QR code/, 'no_qrcode', false]);
  });
  await vendor.scenario(APP, 'ok');

  await t.test('a version that does not grow', async () => {
    refused(await deliver({ version: '1.0.9' }), ['upload_error', /^1\.0\.9 is smaller than 1\.2\.0（pre order version）$/, 'version_too_low', false]);
    refused(await deliver({ version: '1.2.0' }), ['upload_error', /is not higher than 1\.2\.0/, 'version_not_higher', false]);
    refused(await deliver({ version: '26.03.07.4' }), ['version_invalid', /26\.03/, 'version_invalid', false]);
  });
  await t.test('a channel that does not exist', async () => {
    refused(await deliver({ version: '1.3.0', options: { channel: 21 } }), ['upload_error', /通道不能大于 20/, 'channel_too_high', false]);
    refused(await deliver({ options: { channel: 0 } }), ['channel_invalid', /"0"/, 'channel_invalid', false]);
  });
  await t.test('a package above the limits', async () => {
    const big = (kilobytes) => Buffer.alloc(kilobytes * 1024, 'x');
    const whole = writeTree(join(base, 'whole'), program({ 'big.png': big(17 * 1024) }));
    refused(await deliver({ version: '1.3.0' }, vendor.hurried, whole), ['package_size_error', /17\.0\dMB，超过 16\.00MB/, 'package_too_big', false]);
    const parts = { 'app.json': { pages: ['pages/index/index'], subPackages: [{ root: 'shop', pages: ['list'] }] }, 'shop/list.js': '' };
    const main = writeTree(join(base, 'main'), program({ ...parts, 'big.png': big(4200) }));
    refused(await deliver({ version: '1.3.0' }, vendor.hurried, main), ['package_size_error', /主包大小为/, 'main_package_too_big', false]);
    const sub = writeTree(join(base, 'sub'), program({ ...parts, 'shop/big.png': big(2200) }));
    refused(await deliver({ version: '1.3.0' }, vendor.hurried, sub), ['package_size_error', /shop\/ 子包大小为/, 'sub_package_too_big', false]);
  });
  await t.test('control characters in what a preview opens', async () => {
    refused(await deliver({ action: 'preview', page_path: 'pages/index/index', query: 'a=\u0001' }), ['project_error', /控制字符/, 'launch_invalid', false]);
  });
  await t.test('an ext.json the platform does not honour', async () => {
    const ext = writeTree(join(base, 'ext'), program({ 'ext.json': { extEnable: true, extAppid: 'ttbbbbbbbbbbbbbbbb' } }));
    refused(await deliver({ version: '1.3.0' }, vendor.hurried, ext), ['project_error', /三方配置异常/, 'ext_config_invalid', false]);
  });

  await t.test('credentials', async () => {
    vendor.secrets(base, { token: 'another-token' });
    refused(await deliver({ version: '1.3.0' }), ['meta_error', /not the token of the app/, 'app_refused', false]);
    rmSync(join(base, 'secret'), { recursive: true });
    refused(await deliver({ version: '1.3.0' }), ['credential_missing', /token/, 'credential_missing', false]);
    vendor.secrets(base, { email: ACCOUNT.email });
    refused(await deliver({ version: '1.3.0' }), ['credential_missing', /token/, 'credential_missing', false]);
    vendor.secrets(base, { ...ACCOUNT, password: 'wrong one' });
    refused(await deliver({ version: '1.3.0' }), ['login_error', /wrong e-mail address or password/, 'login_refused', false]);
    vendor.secrets(base, { ...ACCOUNT, email: 'not an address' });
    refused(await deliver({ version: '1.3.0' }), ['login_error', /^Email "\*\*\*" is invalid$/, 'login_refused', false]);
    vendor.secrets(base, { token: TOKEN });
  });

  await t.test('networks that fail', async () => {
    const { NODE_EXTRA_CA_CERTS, ...untrusting } = vendor.hurried;
    refused(await deliver({ version: '1.3.0' }, untrusting), ['request_failed', /certificate/, 'tls_untrusted', false]);
    refused(await deliver({ version: '1.3.0' }, { ...vendor.hurried, SAMPAN_TEST_PORT: '1' }), ['request_failed', /ECONNREFUSED/, 'network_failed', false]);
  });
});
