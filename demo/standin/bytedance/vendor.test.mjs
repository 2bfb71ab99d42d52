// Tests of ByteDance's side of the stand-in by itself; the real CLI is driven by the workers' tests.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { start } from '../server.mjs';
import { unmix } from './accounts.mjs';
import { BadPackage, unzip } from './protocol/unzip.mjs';

const APP = 'tt53414d50414e0001';
const TOKEN = 'a token';
const headers = { 'x-cli-token': TOKEN, 'x-cli-appid': APP };
const dir = mkdtempSync(join(tmpdir(), 'standin-'));
let server;
let cert;

before(async () => {
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=stand-in', '-addext', 'subjectAltName=DNS:developer.toutiao.com', '-keyout', join(dir, 'tls.key'), '-out', join(dir, 'tls.pem')],
    { stdio: 'ignore' },
  );
  cert = readFileSync(join(dir, 'tls.pem'));
  server = await start({ stateDir: join(dir, 'state'), cert, key: readFileSync(join(dir, 'tls.key')), tlsPort: 0, controlPort: 0 });
});

after(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

const control = (method, path, body) => fetch(`http://127.0.0.1:${server.controlPort}/apps/${APP}${path}`, { method, body }).then(async (reply) => [reply.status, await reply.json()]);

const ask = (method, path, { headers = {}, body } = {}) =>
  new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port: server.tlsPort, servername: 'developer.toutiao.com', ca: cert, method, path, headers }, async (reply) => {
      let text = '';
      for await (const part of reply) text += part;
      done({ headers: reply.headers, text, json: reply.headers['content-type'].includes('json') ? JSON.parse(text) : null });
    });
    sent.on('error', fail);
    sent.end(body);
  });

/** One zip of small files, without check sums: enough for a package. `attributes` are the outer half of an entry's, such as a link's. */
function zip(files, attributes = 0) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const [path, plain] = [Buffer.from(name), Buffer.from(content)];
    const packed = deflateRawSync(plain);
    const sizes = Buffer.alloc(12);
    [0, packed.length, plain.length].forEach((value, index) => sizes.writeUInt32LE(value, index * 4));
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(8, 8);
    sizes.copy(local, 14);
    local.writeUInt16LE(path.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    sizes.copy(entry, 16);
    entry.writeUInt16LE(path.length, 28);
    entry.writeUInt32LE(attributes * 65536, 38);
    entry.writeUInt32LE(at, 42);
    parts.push(local, path, packed);
    directory.push(entry, path);
    at += local.length + path.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

function form(fields) {
  const parts = Object.entries(fields).map(([name, value]) => Buffer.concat([Buffer.from(`--edge\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n`), Buffer.from(value), Buffer.from('\r\n')]));
  return { headers: { ...headers, 'content-type': 'multipart/form-data; boundary=edge' }, body: Buffer.concat([...parts, Buffer.from('--edge--\r\n')]) };
}

const PACKAGE = { 'project.config.json': `{"appid":"${APP}"}`, 'app.json': '{"pages":["a"],"subPackages":[{"root":"shop"}]}', 'shop/a.js': 'Page({})' };
const upload = (version, files = PACKAGE) => ask('PUT', `/api/v2/app/${APP}/testing`, form({ source: zip(files), version, intro: '潮汐' }));

test('unpacks what it knows and nothing else', () => {
  assert.equal(unzip(zip(PACKAGE)).get('shop/a.js').toString(), 'Page({})');
  assert.throws(() => unzip(Buffer.from('no zip')), BadPackage);
  assert.throws(() => unzip(zip({ '../a': '' })), /leads out/);
  assert.throws(() => unzip(zip({ a: '/etc' }, 0o120777)), /symbolic link/);
  assert.equal(unmix('6465'), 'a`');
});

test('an app needs a credential, of which only digests are kept and nothing is shown', async () => {
  assert.equal((await control('PUT', '?vendor=bytedance', 'no json'))[0], 400);
  assert.equal((await control('PUT', '?vendor=bytedance', '{"email":"a@b.cd"}'))[0], 400);
  const [status, about] = await control('PUT', '?vendor=bytedance', JSON.stringify({ token: TOKEN, email: 'a@b.cd', password: 'secret words' }));
  assert.deepEqual([status, about.vendor, about.credentials], [200, 'bytedance', ['token', 'e-mail']]);
  const kept = readFileSync(join(dir, 'state', 'apps', APP, 'app.json'), 'utf8') + JSON.stringify(about);
  for (const secret of [TOKEN, 'secret words', 'a@b.cd']) assert.ok(!kept.includes(secret));
  const meta = (more) => ask('GET', `/api/apps/v3/meta?appid=${APP}`, { headers: { ...headers, ...more } });
  assert.equal((await meta()).json.error, 0);
  for (const more of [{ 'x-cli-token': 'other' }, { 'x-cli-appid': 'ttaaaaaaaaaaaaaaaa' }]) {
    const { json } = await meta(more);
    assert.equal(json.error, 99001);
    assert.match(json.data, /stand-in's own wording/);
    assert.equal(json.standin, 'local stand-in, not ByteDance');
  }
});

test('takes a package, compiles it and leads to itself', async () => {
  assert.match((await upload('1.0.0', { 'app.json': '{}' })).json.message, /no project\.config\.json/);
  const receipt = await upload('1.0.0');
  assert.equal(receipt.json.error, 0);
  assert.match(receipt.headers['x-tt-logid'], /^standin/);
  assert.match((await upload('1.0.0')).json.message, /1\.0\.0 is not higher than 1\.0\.0/);
  const progress = () => ask('GET', `/api/v1/app/${APP}/compile_progress`, { headers });
  assert.equal((await progress()).json.status, 1);
  const done = (await progress()).json;
  assert.deepEqual([done.status, JSON.parse(done.pass_json).packageSize['shop/']], [2, 8]);
  const schema = await ask('POST', '/api/developer/ide/v1/microapp/make_schema', { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify({ app_id: APP, stage: 'latest' }) });
  const { short_url } = schema.json.data;
  assert.match(short_url, /^https:\/\/developer\.toutiao\.com\/sampan-stand-in-not-bytedance\//);
  assert.match((await ask('GET', new URL(short_url).pathname)).text, /not WeChat, Alipay or ByteDance/);
  const [, uploads] = await control('GET', '/uploads');
  assert.deepEqual(uploads.map(({ kind, version, desc }) => [kind, version, desc]), [['upload', '1.0.0', '潮汐']]);
  const file = await fetch(`http://127.0.0.1:${server.controlPort}/apps/${APP}/uploads/0/files/shop/a.js`);
  assert.equal(await file.text(), 'Page({})');
});
