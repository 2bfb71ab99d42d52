// Stage 2 against a vendor that refuses, breaks or lies: each verdict is a failure with the vendor's own words, recognised by the
// error table, and never a success without a receipt. The vendor is the local stand-in; the package is the real one.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { problemWith } from '../lib/result.mjs';
import { alipayApp, driveAlipay, miniProgram, stubBuilder } from '../testing/alipay.mjs';
import { errorRows, recognise } from '../testing/errors.mjs';
import { scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';

const rows = errorRows(new URL('platform.toml', import.meta.url));

// Action and scenario; the code and text of the result, the row of the error table, whether it may have arrived all the same.
const refusals = [
  ['upload', 'invalid-ip', 'FailedToGenerateVersion', /ip不在白名单/, 'ip_not_allowed'],
  ['preview', 'invalid-ip', 'CommonBizError', /ip不在白名单/, 'ip_not_allowed'],
  ['upload', 'system-error', 'FailedToPublish', /系统繁忙/, 'platform_refused'],
  ['upload', 'version-low', 'FailedToPublish', /版本号必须大于上一个版本 99/, 'version_refused'],
  ['upload', 'ask-502', 'session_failed', /http_502 Bad Gateway/, 'session_not_json'],
  ['upload', 'ask-html', 'FailedToGenerateVersion', /undefined/, 'session_not_json'],
  ['upload', 'ask-reset', 'session_failed', /ECONNRESET/, 'session_cut'],
  ['upload', 'http-502', 'upload_failed', /http_502 Bad Gateway/, 'reply_not_json', true],
  ['preview', 'http-502', 'preview_failed', /http_502 Bad Gateway/, 'reply_not_json', true],
  ['upload', 'html-200', 'FailedToPublish', /undefined/, 'reply_not_json', true],
  ['preview', 'html-200', 'CommonBizError', /: \(ErrorCode/, 'reply_not_json', true],
  ['upload', 'reset', 'upload_failed', /ECONNRESET/, 'connection_cut', true],
  ['upload', 'lost-reply', 'upload_failed', /ECONNRESET/, 'connection_cut', true, 1],
  ['upload', 'hang', 'vendor_timeout', /in time/, 'vendor_timeout', true],
  ['upload', 'build-hang', 'remote_build_timeout', /did not end/, 'remote_build_timeout', true, 1],
  ['upload', 'poll-502', 'remote_build_failed', /http_502/, 'poll_failed', true, 1],
  ['upload', 'build-fail', 'PublishBuildError', /Can't resolve 'mobx'/, 'remote_module_missing', false, 1],
  ['preview', 'no-qrcode', 'no_qrcode', /no address/, 'no_qrcode', false, 1],
  ['preview', 'qr-gone', 'qr_unavailable', /404/, 'qr_unavailable', false, 1],
  ['preview', 'qr-html', 'qr_unavailable', /neither JPEG nor PNG/, 'qr_unavailable', false, 1],
];

test('what the vendor answers', { skip: standinMissing, concurrency: 3 }, async (t) => {
  const root = scratchDir(t);
  const vendor = await startVendor(root);
  t.after(() => vendor.close());
  const project = writeTree(join(root, 'package'), miniProgram());
  const built = await driveAlipay(root, 'prepare', project, { job: { action: 'preview' }, env: stubBuilder(root) });
  assert.equal(built.status, 0, built.stdout);
  const packages = { upload: project, preview: join(built.out, 'package') };
  let count = 0;
  /** An app and a home of its own for every test, so that they can run side by side. */
  const app = async (scenario) => {
    const base = join(root, `app${(count += 1)}`);
    mkdirSync(base);
    const appId = `20220000000000${String(count).padStart(2, '0')}`;
    const pem = await alipayApp(vendor, base, { appId, scenario });
    const run = (action, job = {}, env = vendor.env) => driveAlipay(base, 'deliver', packages[action], { job: { app_id: appId, action, timeout_seconds: 60, ...job }, env });
    return { base, appId, pem, run, uploads: () => vendor.uploads(appId), secret: (name, text) => writeFileSync(join(base, 'secret', name), text) };
  };
  const refused = ({ status, result, out }, code, text, row, uncertain = false) => {
    assert.equal(status, 1);
    assert.equal(problemWith(result), null);
    assert.deepEqual([result.ok, result.code], [false, code], result.message);
    assert.match(result.message, text);
    assert.ok(!existsSync(join(out, 'qr.png')));
    const known = recognise(rows, `${code} ${result.message}`);
    assert.deepEqual([known?.code, known?.uncertain], [row, uncertain]);
  };

  const tests = refusals.map(([action, scenario, code, text, row, uncertain, arrived = 0]) =>
    t.test(`${action}: ${scenario}`, async () => {
      const { run, uploads } = await app(scenario);
      const job = ['hang', 'build-hang'].includes(scenario) ? { timeout_seconds: 15 } : {};
      refused(await run(action, job), code, text, row, uncertain);
      assert.equal((await uploads()).length, arrived);
    }),
  );

  tests.push(t.test('a version that is not higher, and texts that the tool refuses', async () => {
    const { run, uploads } = await app('ok');
    assert.equal((await run('upload')).result.ok, true);
    refused(await run('upload'), 'version_not_higher', /26\.307\.4 is not higher than 26\.307\.4/, 'version_not_higher');
    refused(await run('upload', { version: '26.307.1' }), 'version_not_higher', /than 26\.307\.4/, 'version_not_higher');
    refused(await run('upload', { version: '26.0307.5' }), 'version_invalid', /26\.0307\.5/, 'version_invalid');
    refused(await run('upload', { version: '26.307.5', description: '字'.repeat(200) }), 'VersionDescLengthExceeded', /200/, 'description_too_long');
    assert.equal((await run('upload', { version: '26.307.5', description: '字'.repeat(199) })).result.ok, true);
    assert.deepEqual((await uploads()).map(({ version, desc }) => [version, desc.length]), [['26.307.4', 6], ['26.307.5', 199]]);
  }));

  tests.push(t.test('credentials', async () => {
    const { run, pem, secret, uploads } = await app('ok');
    const bare = pem.split('\n').slice(1, -2).join('');
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const bad = [
      ['tool_id', 'another-tool', 'FailedToGenerateVersion', /验签失败/, 'signature_refused'],
      ['tool_id', '\n', 'tool_id_missing', /tool id/, 'credential_missing'],
      ['private_key', other.privateKey.export({ type: 'pkcs8', format: 'pem' }), 'FailedToGenerateVersion', /验签失败/, 'signature_refused'],
      ['private_key', '', 'private_key_missing', /private key/, 'credential_missing'],
      ['private_key', pem.replace(/\n.{20}/, '\n'), 'key_unreadable', /cannot be read/, 'key_unreadable'],
      ['private_key', bare.slice(0, -40), 'key_unreadable', /cannot be read/, 'key_unreadable'],
      ['private_key', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }), 'key_unreadable', /RSA/, 'key_unreadable'],
      ['private_key', other.publicKey.export({ type: 'spki', format: 'pem' }), 'key_is_public', /public/, 'key_is_public'],
    ];
    for (const [name, text, code, message, row] of bad) {
      secret(name, text);
      refused(await run('upload'), code, message, row);
      secret('tool_id', 'tool-0123456789abcdef\n');
      secret('private_key', pem);
    }
    assert.equal((await uploads()).length, 0);
    secret('private_key', `\ufeff${bare}\r\n`);
    assert.equal((await run('preview')).result.ok, true, 'bare base64, as the key tool gives it, with a BOM');
  }));

  tests.push(t.test('networks that fail', async () => {
    const { run } = await app('ok');
    refused(await run('upload', {}, { HTTPS_PROXY: vendor.env.HTTPS_PROXY }), 'session_failed', /certificate/, 'tls_untrusted');
    refused(await run('upload', {}, { HTTPS_PROXY: 'http://127.0.0.1:1' }), 'session_failed', /ECONNREFUSED/, 'network_failed');
    refused(await run('preview', {}, { HTTPS_PROXY: vendor.env.HTTPS_PROXY }), 'preview_failed', /certificate/, 'tls_untrusted');
  }));

  // The version is there: a failure would hide it and lead to a second upload.
  tests.push(...[['exp-fail', /experience_failed/], ['exp-hang', /experience_failed.*did not end/], ['exp-no-qrcode', /no_qrcode/], ['qr-gone', /qr_unavailable/]].map(([scenario, text]) =>
    t.test(`an upload whose trial version goes wrong: ${scenario}`, async () => {
      const { run } = await app(scenario);
      const { status, result, stdout } = await run('upload', { options: { experience: true } });
      assert.equal(status, 0, stdout);
      assert.equal(problemWith(result), null);
      assert.deepEqual([result.version, result.qr], ['26.307.4', undefined]);
      assert.match(stdout, text);
    }),
  ));
  await Promise.all(tests);
});
