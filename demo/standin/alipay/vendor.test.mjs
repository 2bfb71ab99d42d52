// Tests of the stand-in for Alipay against a double of the tool; the real tool is driven by the tests in workers/alipay.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import jsqr from 'jsqr';
import { hosts } from '../hosts.mjs';
import { start } from '../server.mjs';
import { BadPackage, unpack } from './protocol/unpack.mjs';
import { scenarios } from './scenarios.mjs';
import { tar, ToolDouble, zip } from './tool-double.mjs';

const { PNG } = createRequire(createRequire(import.meta.url).resolve('qrcode'))('pngjs');
const PROGRAM = { 'app.json': '{"pages":["a"]}', 'a.js': 'Page({})' };
const dir = mkdtempSync(join(tmpdir(), 'standin-alipay-'));
let options;
let server;
let count = 0;

before(async () => {
  const names = hosts.alipay.map((host) => `DNS:${host}`).join(',');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=stand-in', '-addext', `subjectAltName=${names}`, '-keyout', join(dir, 'tls.key'), '-out', join(dir, 'tls.pem')], { stdio: 'ignore' });
  const [cert, key] = ['tls.pem', 'tls.key'].map((name) => readFileSync(join(dir, name)));
  options = { stateDir: join(dir, 'state'), cert, key, tlsPort: 0, controlPort: 0 };
  server = await start(options);
});

after(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

async function control(method, path, body) {
  const response = await fetch(`http://127.0.0.1:${server.controlPort}/apps/${path}`, { method, body });
  return { status: response.status, text: await response.text() };
}

async function app(scenario = 'ok') {
  const tool = new ToolDouble({ port: server.tlsPort, ca: options.cert, appid: `202100000000${String((count += 1)).padStart(4, '0')}`, toolId: 'tool-1' });
  const { status, text } = await control('PUT', `${tool.appid}?vendor=alipay`, JSON.stringify({ tool_id: 'tool-1', key: tool.pem }));
  assert.equal(status, 200, text);
  assert.ok(!text.includes('PRIVATE'));
  assert.equal((await control('PUT', `${tool.appid}/scenario`, scenario)).status, 200);
  return tool;
}

const uploads = async (tool) => JSON.parse((await control('GET', `${tool.appid}/uploads`)).text);
const nebula = ({ json }) => JSON.parse(decodeURIComponent(json.data.nebulaInfo));

test('an upload: signed, unpacked, listed, polled', async () => {
  const tool = await app();
  assert.deepEqual((await tool.lastVersion()).json.data, { lastVersion: '' });
  const reply = await tool.upload(PROGRAM, '1.0.9');
  assert.equal(reply.json.standin, 'local stand-in, not Alipay');
  const { packageId } = nebula(reply);
  const polled = await tool.poll(packageId);
  assert.equal(polled.json.data.versionCreated, true);
  assert.match(JSON.parse(nebula(polled).detail).log, /not Alipay/);
  assert.equal((await tool.lastVersion()).json.data.lastVersion, '1.0.9');
  assert.match((await tool.upload(PROGRAM, '1.0.9')).json.msg, /1\.0\.9.*stand-in's own wording/);
  assert.equal((await tool.upload(PROGRAM, '1.0.10')).json.stat, 'ok');
  assert.deepEqual((await uploads(tool)).map(({ kind, version, desc }) => [kind, version, desc]), [['upload', '1.0.9', 'a test'], ['upload', '1.0.10', 'a test']]);
  assert.equal((await control('GET', `${tool.appid}/uploads/0/files/a.js`)).text, 'Page({})');
});

test('what it refuses', async () => {
  const tool = await app();
  assert.match((await tool.upload(PROGRAM, '1.0.0', { sign: 'AAAA' })).json.msg, /验签失败.*registered key/);
  assert.match((await tool.upload(PROGRAM, '1.0.0', { toolId: 'tool-2' })).json.msg, /验签失败.*toolId/);
  assert.match((await tool.upload({ 'a.js': '' }, '1.0.0')).json.msg, /no app\.json/);
  assert.equal((await tool.upload({ 'mini.project.json': '{"miniprogramRoot":"./client/"}', 'client/app.json': '{}' }, '1.0.0')).json.stat, 'ok');
  await control('PUT', `${tool.appid}/whitelist`, '203.0.113.9');
  assert.equal((await tool.lastVersion()).json.msg, 'ip不在白名单');
  assert.equal((await uploads(tool)).length, 1);
  for (const body of ['{}', '{"tool_id":"x"}', '{"tool_id":"x","key":"no key"}', 'text']) assert.equal((await control('PUT', '2021000000009999?vendor=alipay', body)).status, 400);
});

test('a preview, and its picture, which says that it is a stand-in', async () => {
  const tool = await app();
  const { json } = await tool.preview({ 'index.js': '' }, { page: 'pages/a?x=1', query: 'y=2' });
  const { host, pathname } = new URL(json.data.debugQrcodeUrl);
  assert.ok(hosts.alipay.includes(host));
  const picture = await tool.send('GET', pathname, {}, undefined, host);
  assert.equal(picture.type, 'image/png');
  const { data, width, height } = PNG.sync.read(picture.raw);
  assert.match(jsqr(new Uint8ClampedArray(data), width, height).data, /不是支付宝[^]*not Alipay[^]*pages\/a\?y=2/);
  const [seen] = await uploads(tool);
  assert.deepEqual([seen.kind, seen.path, seen.query, seen.pushed], ['preview', 'pages/a', 'y=2', false]);
  await control('PUT', `${tool.appid}/scenario`, 'qr-gone');
  assert.equal((await tool.send('GET', pathname, {}, undefined, host)).status, 404);
});

test('scenarios: the ones all vendors share, and none that changes another app', async () => {
  for (const name of ['ok', 'invalid-ip', 'http-502', 'hang', 'reset', 'lost-reply']) assert.ok(name in scenarios, name);
  assert.equal((await (await app('invalid-ip')).upload(PROGRAM, '1.0.0')).json.msg, 'ip不在白名单');
  assert.equal((await (await app('http-502')).upload(PROGRAM, '1.0.0')).status, 502);
  await assert.rejects((await app('hang')).upload(PROGRAM, '1.0.0'), /no answer/);
  await assert.rejects((await app('reset')).upload(PROGRAM, '1.0.0'), /hang up|ECONNRESET/);
  const lost = await app('lost-reply');
  await assert.rejects(lost.upload(PROGRAM, '1.0.0'), /hang up|ECONNRESET/);
  assert.equal((await uploads(lost)).length, 1, 'accepted all the same');
  assert.equal((await (await app()).upload(PROGRAM, '1.0.0')).json.stat, 'ok');
});

test('packages that are none', () => {
  const good = zip('dist.tar', tar(PROGRAM));
  assert.deepEqual([...unpack(good).keys()], ['app.json', 'a.js']);
  for (const bad of [good.subarray(0, -30), Buffer.from('PK\u0003\u0004'), zip('x.js', tar(PROGRAM)), tar({ '../a.js': 'x' }), tar(PROGRAM).subarray(0, 520)]) {
    assert.throws(() => unpack(bad), BadPackage);
  }
});
