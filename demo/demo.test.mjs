// Runs the demo as a newcomer does: receipts and status 0; and with an address the vendor refuses: the address named, status not 0.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const require = createRequire(join(here, 'standin/package.json'));
const { PNG } = require('pngjs');
const sampan = process.env.SAMPAN_BIN;
assert.ok(sampan, 'SAMPAN_BIN names the binary: run `make test`');

const dir = mkdtempSync(join(tmpdir(), 'sampan-demo-test-'));
after(() => rmSync(dir, { recursive: true, force: true }));

// DEMO_DIR keeps this demo apart from the services other tests use.
function demo(scenario) {
  const env = { ...process.env, DEMO_EXIT: '1', DEMO_DIR: dir, DEMO_SCENARIO: scenario, SAMPAN_LISTEN: '127.0.0.1:0' };
  return new Promise((resolve) => {
    const child = spawn(join(here, 'demo.sh'), [sampan], { env });
    let text = '';
    child.stdout.on('data', (bytes) => (text += bytes));
    child.stderr.on('data', (bytes) => (text += bytes));
    child.on('close', (status) => resolve({ status, text }));
  });
}

test('ends with all receipts and QR codes that decode', async () => {
  const { status, text } = await demo('ok');
  assert.equal(status, 0, text);
  // WeChat preview and upload, Alipay upload, ByteDance preview and upload, one hot update.
  assert.equal(text.match(/receipt: version /g)?.length, 6, text);
  const tools = ['miniprogram-ci 2.1.42', 'minidev 2.2.5', 'tt-ide-cli 0.1.33'];
  const phone = ['gets wgt 1.0.1 (101) http', 'hash and signature verify'];
  for (const line of ['preview succeeded', 'upload succeeded', 'publish succeeded', ...tools, ...phone, 'local stand-in', 'sign in: admin / ']) assert.ok(text.includes(line), line);
  const folder = join(dir, 'data/objects/qr');
  const codes = readdirSync(folder);
  assert.equal(codes.length, 3);
  for (const name of codes) {
    const { data, width, height } = picture(readFileSync(join(folder, name)));
    const code = require('jsqr')(new Uint8ClampedArray(data), width, height);
    assert.match(code.data, /stand-?in|替身/i);
  }
});

const picture = (bytes) => (bytes[0] === 0x89 ? PNG.sync.read(bytes) : require('jpeg-js').decode(bytes, { useTArray: true }));

test('a second demo goes on from the first one', async () => {
  const { status, text } = await demo('ok');
  assert.equal(status, 0, text);
  for (const line of ['gets wgt 1.0.2 (102) http', 'hash and signature verify']) assert.ok(text.includes(line), text);
});

test('an address the vendors refuse is named, and the status says so', async () => {
  const { status, text } = await demo('invalid-ip');
  assert.notEqual(status, 0, text);
  assert.match(text, /ip_not_allowed/);
  assert.match(text, /把[^\n]*\d+\.\d+\.\d+\.\d+/, text);
});
