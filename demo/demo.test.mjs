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
  assert.equal(text.match(/receipt: version /g)?.length, 3, text);
  for (const line of ['preview succeeded', 'upload succeeded', '渡轮时刻 Ferries', '  islands ', 'local stand-in', 'sign in: admin / ']) assert.ok(text.includes(line), line);
  const folder = join(dir, 'data/objects/qr');
  const codes = readdirSync(folder);
  assert.equal(codes.length, 2);
  for (const name of codes) {
    const jpeg = require('jpeg-js').decode(readFileSync(join(folder, name)), { useTArray: true });
    const code = require('jsqr')(new Uint8ClampedArray(jpeg.data), jpeg.width, jpeg.height);
    assert.match(code.data, /stand-?in|替身/i);
  }
});

test('an address the vendor refuses is named, and the status says so', async () => {
  const { status, text } = await demo('invalid-ip');
  assert.notEqual(status, 0, text);
  assert.match(text, /ip_not_allowed/);
  assert.match(text, /把[^\n]*\d+\.\d+\.\d+\.\d+/, text);
});
