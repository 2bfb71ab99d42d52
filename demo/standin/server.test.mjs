// Tests of the stand-in against a double of the CLI; the real CLI is driven by the vendor tests.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import jpeg from 'jpeg-js';
import jsqr from 'jsqr';
import { CliDouble, pack } from './wechat/cli-double.mjs';
import { BadPackage, unpack } from './wechat/protocol/unpack.mjs';
import { scenarios } from './wechat/scenarios.mjs';
import { start } from './server.mjs';

const PROGRAM = {
  'app.json': JSON.stringify({ pages: ['pages/index/index'] }),
  'app.js': 'App({})',
  'pages/index/index.js': 'Page({})',
};

const dir = mkdtempSync(join(tmpdir(), 'standin-'));
const keys = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
const own = keys();
let options;
let server;
let count = 0;

before(async () => {
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=stand-in', '-addext', 'subjectAltName=DNS:servicewechat.com', '-keyout', join(dir, 'tls.key'), '-out', join(dir, 'tls.pem')],
    { stdio: 'ignore' },
  );
  const [cert, key] = ['tls.pem', 'tls.key'].map((name) => readFileSync(join(dir, name)));
  options = { stateDir: join(dir, 'state'), cert, key, tlsPort: 0, controlPort: 0 };
  server = await start(options);
});

after(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

async function control(method, path, body) {
  const response = await fetch(`http://127.0.0.1:${server.controlPort}${path}`, { method, body });
  const text = await response.text();
  return { status: response.status, text, json: response.headers.get('content-type').includes('json') ? JSON.parse(text) : null };
}

/** An app of its own for each test. */
async function app({ scenario, kind, pem = own.privateKey } = {}) {
  const appid = `wx${String(++count).padStart(16, '0')}`;
  assert.equal((await control('PUT', `/apps/${appid}`, pem)).status, 200);
  if (kind) assert.equal((await control('PUT', `/apps/${appid}/kind`, kind)).status, 200);
  if (scenario) assert.equal((await control('PUT', `/apps/${appid}/scenario`, scenario)).status, 200);
  return new CliDouble({ port: server.tlsPort, ca: options.cert, appid, privateKey: own.privateKey });
}

const uploads = async (cli) => (await control('GET', `/apps/${cli.appid}/uploads`)).json;

test('an upload is accepted, listed and its files can be read back', async () => {
  const cli = await app({ pem: own.publicKey });
  const launch = { scene: 1011, path: 'pages/index/index', query: { pier: '3' } };
  const reply = await cli.deliver('upload', PROGRAM, { launch, desc: '潮汐 & more' });
  assert.equal(reply.json.errCode, 0);
  assert.equal(reply.json.body.qrcode_img, undefined);
  assert.match(reply.json.standin, /not WeChat/);
  const full = Object.values(PROGRAM).join('').length;
  assert.deepEqual(reply.json.body.subpackage_info, [
    { name: '__FULL__', size: full },
    { name: '__APP__', size: full },
  ]);
  const [upload] = await uploads(cli);
  const { kind, version, desc, robot, path, query } = upload;
  assert.deepEqual(
    { kind, version, desc, robot, path, query },
    { kind: 'upload', version: '1.2.3', desc: '潮汐 & more', robot: 7, path: 'pages/index/index', query: { pier: '3' } },
  );
  assert.deepEqual(upload.files.map(({ name }) => name), [...Object.keys(PROGRAM), 'ci.signature']);
  assert.equal((await control('GET', `/apps/${cli.appid}/uploads/0/files/pages/index/index.js`)).text, 'Page({})');
  assert.equal((await control('GET', `/apps/${cli.appid}/uploads/0/files/none.js`)).status, 404);
  assert.equal((await control('GET', `/apps/${cli.appid}/uploads/7/files/app.js`)).status, 404);
});

test('a preview carries a QR code that can be read and says what it is', async () => {
  const cli = await app();
  const reply = await cli.deliver('preview', PROGRAM, { launch: { scene: 1011, path: 'pages/index/index', query: { pier: '3' } } });
  const { data, width, height } = jpeg.decode(Buffer.from(reply.json.body.qrcode_img, 'base64'));
  const read = jsqr(new Uint8ClampedArray(data), width, height);
  assert.match(read.data, /不是微信/);
  assert.match(read.data, /not WeChat/);
  assert.match(read.data, new RegExp(`${cli.appid} preview #1\\npages/index/index\\?pier=3`));
});

test('a key that is not the registered one is refused everywhere', async () => {
  const cli = await app({ pem: keys().publicKey });
  assert.equal((await cli.attributes()).json.errCode, -99001);
  assert.equal((await cli.deliver('upload', PROGRAM)).json.errCode, -99001);
  assert.deepEqual(await uploads(cli), []);
});

test('an app without a key is refused', async () => {
  const cli = new CliDouble({ port: server.tlsPort, ca: options.cert, appid: 'wxnobody', privateKey: own.privateKey });
  assert.match((await cli.deliver('upload', PROGRAM)).json.errMsg, /no key is registered/);
});

test('a random string works once, and only for its own app', async () => {
  const cli = await app();
  const signature = await cli.signature();
  assert.equal((await cli.attributes(signature)).json.errCode, 0);
  assert.match((await cli.attributes(signature)).json.errMsg, /used before/);
  assert.equal((await cli.deliver('upload', PROGRAM, { signature })).json.errCode, -99001);
  const other = await app();
  const foreign = await cli.signature(await other.randomString());
  assert.equal((await cli.deliver('upload', PROGRAM, { signature: foreign })).json.errCode, -99001);
  assert.equal((await cli.deliver('upload', PROGRAM, { signature: '' })).json.errCode, -99001);
});

test('sizes are counted per subpackage, source maps left out, and a large one is refused', async () => {
  const cli = await app();
  const big = randomBytes(2 * 1024 * 1024 + 1);
  const files = {
    'app.json': JSON.stringify({ pages: ['a'], subPackages: [{ root: 'tides', pages: ['b'] }, { root: 'fish/', name: 'fishing', pages: ['c'] }] }),
    'app.js': 'App({})',
    'app.js.map': big,
    'tides/b.js': 'Page({})',
    'fish/c.js': 'Page({ })',
  };
  const main = files['app.json'].length + files['app.js'].length;
  assert.deepEqual((await cli.deliver('upload', files)).json.body.subpackage_info, [
    { name: '__FULL__', size: main + 17 },
    { name: '__APP__', size: main },
    { name: 'tides', size: 8 },
    { name: 'fishing', size: 9 },
  ]);
  const refused = await cli.deliver('upload', { ...files, 'tides/big.png': big });
  assert.deepEqual([refused.json.errCode, refused.json.errMsg], [80051, 'source size 2049KB exceed max limit 2MB']);
  assert.equal((await cli.deliver('upload', { ...files, 'big.png': big })).json.errCode, 80051);
  assert.equal((await cli.deliver('preview', { ...files, 'big.png': big }, { bigPackageSizeSupport: 1 })).json.errCode, 0);
  assert.equal((await uploads(cli)).length, 2);
});

test('plugins and missing files are noticed', async () => {
  const cli = await app();
  const withPlugin = JSON.stringify({ pages: ['a'], plugins: { live: { version: '1.0.0', provider: 'wx00' } } });
  const reply = await cli.deliver('upload', { ...PROGRAM, 'app.json': withPlugin });
  assert.deepEqual(reply.json.body.ext_plugin_info, [{ provider: 'wx00', version: '1.0.0', size: 0 }]);
  assert.equal((await cli.deliver('upload', { 'app.js': '' })).json.errCode, 800059);
});

test('games have limits of their own, and are told from mini-programs', async () => {
  const cli = await app({ kind: 'game' });
  assert.equal((await cli.attributes()).json.data.gameApp, true);
  const game = { 'game.json': JSON.stringify({ subPackages: [{ root: '/stage2/' }, { root: '/boss.js', name: 'boss' }] }), 'game.js': 'x', 'stage2/game.js': 'xx', 'boss.js': 'xxx' };
  const deliver = (files) => cli.deliver('upload', files, { type: 'miniGame' });
  const sizes = (await deliver(game)).json.body.subpackage_info;
  assert.deepEqual(sizes.slice(2), [{ name: 'stage2', size: 2 }, { name: 'boss', size: 3 }]);
  const big = randomBytes(4 * 1024 * 1024 + 1);
  assert.equal((await deliver({ ...game, 'stage2/big.png': big })).json.errCode, 0);
  assert.match((await deliver({ ...game, 'big.png': big })).json.errMsg, /^main package source size 4097KB exceed max limit 4096KB$/);
  assert.equal((await deliver({ 'game.js': 'x' })).json.errMsg, 'error: game.json, file not found');
  assert.equal((await cli.deliver('upload', PROGRAM)).json.errCode, 800059);
  assert.equal((await (await app()).deliver('upload', game, { type: 'miniGame' })).json.errMsg, 'error: app.js, file not found');
});

test('an uploaded plugin gets a development id', async () => {
  const cli = await app();
  const files = { 'miniprogram/app.json': '{}', 'plugin/plugin.json': '{}', 'plugin/index.js': 'x' };
  const { body } = (await cli.deliver('upload', files, { type: 'miniProgramPlugin' })).json;
  assert.match(body.dev_plugin_id, /^dev-standin\d+$/);
  assert.deepEqual(body.subpackage_info, [{ name: '__FULL__', size: 5 }, { name: '__APP__', size: 2 }, { name: '__PLUGIN__', size: 3 }]);
  assert.equal((await cli.deliver('preview', files, { type: 'miniProgramPlugin' })).json.body.dev_plugin_id, undefined);
  assert.match((await cli.deliver('upload', PROGRAM, { type: 'miniProgramPlugin' })).json.errMsg, /miniprogram\/app\.json/);
});

test('the whitelist of addresses', async () => {
  const cli = await app();
  await control('PUT', `/apps/${cli.appid}/whitelist`, '10.0.0.1\n10.0.0.2');
  const { errCode, errMsg } = (await cli.deliver('upload', PROGRAM)).json;
  assert.equal(errCode, -10008);
  assert.equal(errMsg, 'invalid ip: 127.0.0.1, reference: https://developers.weixin.qq.com/miniprogram/dev/devtools/ci.html');
  await control('PUT', `/apps/${cli.appid}/whitelist`, '127.0.0.1');
  assert.equal((await cli.deliver('upload', PROGRAM)).json.errCode, 0);
});

const refusals = {
  'invalid-ip': [-10008, /^invalid ip: 127\.0\.0\.1, reference: https:/],
  'ticket-fail': [-1, /^get new ticket fail: innerCode: -80002$/],
  plugin: [-1, /^inner upload fail with errcode: 80082/],
  'too-big': [80051, /^source size 4473KB exceed max limit 2MB$/],
  'preload-too-big': [80058, /^preloadRule \[pages\/index\/index\] source size 2140KB exceed max limit 2MB$/],
  'file-not-found': [800059, /^error: app\.js, file not found$/],
  sitemap: [-80055, /^Invalid SiteMap, sitemap错误，缺少rules字段$/],
  'system-error': [-1, /^system error$/],
};
for (const [scenario, [code, text]] of Object.entries(refusals)) {
  test(`scenario ${scenario} refuses, once the signature was right`, async () => {
    const cli = await app({ scenario });
    const { errCode, errMsg } = (await cli.deliver('upload', PROGRAM)).json;
    assert.equal(errCode, code);
    assert.match(errMsg, text);
    assert.equal((await cli.deliver('upload', PROGRAM, { signature: 'AAAA' })).json.errCode, -99001);
    assert.deepEqual(await uploads(cli), []);
  });
}

test('scenarios of the two small requests', async () => {
  const noRandom = await app({ scenario: 'rand-fail' });
  assert.equal((await noRandom.post('/wxa/ci/getrandstr', { appid: noRandom.appid })).json.errCode, -1);
  const cut = await app({ scenario: 'rand-reset' });
  await assert.rejects(cut.post('/wxa/ci/getrandstr', { appid: cut.appid }), /socket hang up|ECONNRESET/);
  const noAttributes = await app({ scenario: 'attr-fail' });
  assert.equal((await noAttributes.attributes()).json.errCode, -1);
  assert.equal((await noAttributes.deliver('upload', PROGRAM)).json.errCode, 0);
});

test('scenarios of the connection', async () => {
  const bad = await (await app({ scenario: 'http-502' })).deliver('upload', PROGRAM);
  assert.deepEqual([bad.status, bad.json], [502, null]);
  const portal = await (await app({ scenario: 'html-200' })).deliver('upload', PROGRAM);
  assert.deepEqual([portal.status, portal.json], [200, null]);
  assert.match(portal.text, /not WeChat/);
  const reset = await app({ scenario: 'reset' });
  await assert.rejects(reset.deliver('upload', PROGRAM), /socket hang up|ECONNRESET/);
  assert.deepEqual(await uploads(reset), []);
  await assert.rejects((await app({ scenario: 'hang' })).deliver('upload', PROGRAM), /no answer/);
  const lost = await app({ scenario: 'lost-reply' });
  await assert.rejects(lost.deliver('upload', PROGRAM), /socket hang up|ECONNRESET/);
  assert.equal((await uploads(lost)).length, 1);
  const seen = (await control('GET', `/apps/${lost.appid}/requests`)).json;
  assert.deepEqual(seen.map(({ path, outcome }) => [path, outcome]), [['/wxa/ci/getrandstr', 0], ['/wxa/ci/upload', 'cut']]);
});

test('no-qrcode leaves out only the picture', async () => {
  const cli = await app({ scenario: 'no-qrcode' });
  const { errCode, body } = (await cli.deliver('preview', PROGRAM)).json;
  assert.deepEqual([errCode, 'qrcode_img' in body, body.subpackage_info.length], [0, false, 2]);
});

test('every scenario is covered above', () => {
  const others = ['ok', 'rand-fail', 'rand-reset', 'attr-fail', 'http-502', 'html-200', 'reset', 'hang', 'lost-reply', 'no-qrcode'];
  assert.deepEqual(Object.keys(scenarios).sort(), [...Object.keys(refusals), ...others].sort());
});

test('odd requests get a plain refusal', async () => {
  const cli = await app();
  assert.equal((await cli.send('POST', '/wxa/ci/getrandstr', '{', { 'content-type': 'application/json' })).status, 400);
  assert.equal((await cli.post('/wxa/ci/getrandstr', { appid: '../..' })).status, 400);
  assert.equal((await cli.post('/wxa/ci/getrandstr', {})).status, 400);
  assert.equal((await cli.send('GET', '/somewhere')).status, 404);
  assert.match((await cli.send('GET', '/')).text, /不是微信/);
  assert.equal((await cli.send('POST', `/wxa/ci/upload?appid=${cli.appid}`, 'no package')).json.errCode, -99002);
  assert.equal((await control('PUT', `/apps/${cli.appid}/scenario`, 'typhoon')).status, 400);
  assert.equal((await control('PUT', `/apps/${cli.appid}/kind`, 'opera')).status, 400);
  assert.equal((await control('PUT', `/apps/${cli.appid}`, 'no key')).status, 400);
  assert.equal((await control('GET', '/apps/..%2f..%2fetc/uploads')).status, 404);
  assert.equal((await control('GET', '/healthz')).json.status, 'ok');
  assert.match((await control('GET', '/')).text, /not WeChat/);
});

test('apps and packages survive a restart', async () => {
  const cli = await app({ scenario: 'no-qrcode' });
  await cli.deliver('upload', PROGRAM);
  await server.close();
  server = await start(options);
  cli.port = server.tlsPort;
  const about = (await control('GET', `/apps/${cli.appid}`)).json;
  assert.deepEqual([about.scenario, about.uploads], ['no-qrcode', 1]);
  await cli.deliver('upload', PROGRAM);
  assert.equal((await uploads(cli)).length, 2);
});

test('broken packages are told apart from programming errors', () => {
  assert.equal(unpack(pack({ a: 'b' })).get('a').toString(), 'b');
  for (const broken of [Buffer.from('x'), Buffer.alloc(0), pack({}).subarray(0, 12)]) {
    assert.throws(() => unpack(broken), BadPackage);
  }
});
