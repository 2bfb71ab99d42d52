// Proofs about the keyed stage: no code of the repository runs in it, nothing in a project leads it elsewhere, and no file but the
// package leaves it. Each hostile thing is first shown to work on the vendor's tool alone, so that its silence means something.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { descendants } from '../lib/processes.mjs';
import { alipayApp, APP, driveAlipay, miniProgram, stubBuilder, TOOL } from '../testing/alipay.mjs';
import { scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';
import { startKeyed } from './confine.mjs';

const here = new URL('.', import.meta.url);

/** The vendor's tool alone, with nothing of ours but the settings at run time. */
const toolAlone = (base, project, pem, env) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '-e', `
    import { loadVendor } from ${JSON.stringify(new URL('vendor.mjs', here).href)};
    import { createRequire } from 'node:module';
    const { minidev } = ${env.PLAIN ? `createRequire(${JSON.stringify(here.href)})('minidev')` : 'await loadVendor({ toolId: process.env.TOOL, privateKey: process.env.KEY })'};
    await minidev.upload({ appId: ${JSON.stringify(APP)}, version: '26.1.1', project: ${JSON.stringify(project)}, clientType: 'alipay' }).catch((error) => console.log(error.message));
    process.exit(0);
  `], { cwd: project, env: { PATH: process.env.PATH, HOME: base, TMPDIR: base, TOOL, KEY: pem, ...env } });

async function stage(t) {
  const base = scratchDir(t);
  const marks = join(base, 'marks');
  mkdirSync(marks);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await alipayApp(vendor, base);
  const elsewhere = [];
  const server = createServer((request, response) => response.end(String(elsewhere.push(request.url)))).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  server.on('connect', (request, socket) => socket.destroy(void elsewhere.push(request.url)));
  t.after(() => server.close());
  return { base, marks, vendor, pem, elsewhere, url: `http://127.0.0.1:${server.address().port}` };
}

const scripts = (marks, base) =>
  Object.fromEntries(['beforeUpload', 'beforePreview', 'beforeCompile', 'afterUpload', 'watch'].map((name) => [name, `cat ${join(base, 'secret', '*')} > ${join(marks, name)}`]));

const said = ({ stdout, stderr, result }) => stdout + stderr + JSON.stringify(result);
const keyLines = (pem) => pem.split('\n').slice(1, -2);

test('scripts of mini.project.json do not run beside the key', { skip: standinMissing }, async (t) => {
  const { base, marks, vendor, pem } = await stage(t);
  const src = writeTree(join(base, 'src'), miniProgram({ 'mini.project.json': { format: 2, scripts: scripts(marks, base) } }));
  await toolAlone(base, src, pem, vendor.env);
  assert.deepEqual(readdirSync(marks), ['beforeUpload'], 'the tool alone runs it: this is not a made-up danger');
  assert.ok(readFileSync(join(marks, 'beforeUpload'), 'utf8').includes(keyLines(pem)[0]), '… and it reads the key');
  rmSync(join(marks, 'beforeUpload'));

  const prepared = await driveAlipay(base, 'prepare', src, { job: { action: 'preview' }, env: stubBuilder(base) });
  assert.equal(prepared.status, 0, prepared.stdout + prepared.stderr);
  const upload = await driveAlipay(base, 'deliver', src, { job: { version: '26.1.2' }, env: vendor.env });
  assert.equal(upload.status, 0, said(upload));
  const preview = await driveAlipay(base, 'deliver', join(prepared.out, 'package'), { job: { action: 'preview' }, env: vendor.env });
  assert.equal(preview.status, 0, said(preview));
  assert.deepEqual(readdirSync(marks), []);
  assert.ok(!(await vendor.file(APP, 1, 'mini.project.json')).includes('scripts'), 'the configuration that went up has none');

  // Were they not taken out, the confined process could not start them either.
  const place = join(base, 'place');
  writeTree(join(place, 'project'), miniProgram({ 'mini.project.json': { format: 2, scripts: scripts(marks, base) } }));
  let failed;
  const { child, ended } = startKeyed({ scratch: place, secrets: join(base, 'secret'), env: { ...process.env, ...vendor.env }, on: (message) => (failed ??= message.failed), print: () => {} });
  child.send({ credentials: { toolId: TOOL, privateKey: pem }, todo: [{ task: 'upload', appId: APP, version: '26.1.3', project: join(place, 'project') }] });
  await ended;
  assert.match(failed.code, /ERR_ACCESS_DENIED/);
  assert.deepEqual(readdirSync(marks), []);
  assert.throws(() => startKeyed({ scratch: base, secrets: join(base, 'secret') }), /key must not be below/);
});

test('nothing in a project, a home or the environment leads elsewhere', { skip: standinMissing }, async (t) => {
  const { base, vendor, pem, elsewhere, url } = await stage(t);
  const config = { alipay: { authentication: { toolId: 'theirs', privateKey: pem } }, proxy: { http: url, https: url }, env: { prod: { name: 'x', hosts: { IDE_SERVICE: url, HPM_WEB: url } } } };
  const src = writeTree(join(base, 'src'), miniProgram({ '.minidev/config.json': config, 'shop/.minidev/config.json': config }));
  await toolAlone(base, src, pem, { PLAIN: '1' });
  assert.ok(elsewhere.length > 0, 'the tool alone obeys it');
  elsewhere.length = 0;
  await toolAlone(base, src, pem, vendor.env);
  assert.equal((await vendor.uploads(APP)).length, 1, 'settings at run time win over it');

  writeTree(join(base, 'home'), { '.minidev/config.json': config });
  const env = { ...vendor.env, HOME: join(base, 'home'), MINIDEV_RUNTIME_CONFIG: JSON.stringify(config), MINIDEV_ENV: 'sandbox', HPMWEB_BASE_URL: url };
  const run = await driveAlipay(base, 'deliver', src, { job: { version: '26.1.2' }, env });
  assert.equal(run.status, 0, said(run));
  assert.deepEqual(elsewhere, []);
  const { files } = (await vendor.uploads(APP))[1];
  assert.ok(!files.some(({ name }) => name.includes('.minidev')), 'and it is not part of the package');
});

test('a built package cannot change the app, push to a phone or fetch the key', { skip: standinMissing }, async (t) => {
  const { base, vendor, pem } = await stage(t);
  const built = await driveAlipay(base, 'prepare', writeTree(join(base, 'src'), miniProgram()), { job: { action: 'preview' }, env: stubBuilder(base) });
  const dir = join(built.out, 'package');
  const report = JSON.parse(readFileSync(join(dir, 'mini.built.json'), 'utf8'));
  const preview = (changes) => {
    writeFileSync(join(dir, 'mini.built.json'), typeof changes === 'string' ? changes : JSON.stringify({ ...report, ...changes }));
    return driveAlipay(base, 'deliver', dir, { job: { action: 'preview' }, env: vendor.env });
  };
  const hostile = { ...report.packageInfo, appId: '2021000000000099', clientType: 'com.amap.app', needSync: 'true', toolId: 'theirs', packageFile: 'x', bundleId: 'x' };
  const run = await preview({ appId: '2021000000000099', packageInfo: hostile, projectConfig: { ...report.projectConfig, scripts: { beforePreview: 'false' }, miniprogramRoot: join(base, 'secret') } });
  assert.equal(run.status, 0, said(run));
  const [seen] = await vendor.uploads(APP);
  assert.deepEqual([seen.kind, seen.pushed], ['preview', false]);

  const up = `${'../'.repeat(12)}${join(base, 'secret').slice(1)}`;
  for (const root of [up, join(base, 'secret')]) {
    const out = await preview({ isSubPack: true, appJson: { pages: ['a'], subPackages: [{ root, pages: ['x'] }] } });
    for (const line of keyLines(pem)) assert.ok(!said(out).includes(line));
  }
  for (const [text, code] of [['{', 'build_report_invalid'], ['{"packageInfo": 1}', 'build_report_invalid']]) assert.equal((await preview(text)).result.code, code);
  rmSync(join(dir, 'mini.built.json'));
  symlinkSync(join(base, 'secret', 'private_key'), join(dir, 'mini.built.json'));
  const linked = await driveAlipay(base, 'deliver', dir, { job: { action: 'preview' }, env: vendor.env });
  assert.equal(linked.result.code, 'symlink_refused');
  const uploads = await vendor.uploads(APP);
  for (const [index, { files }] of uploads.entries()) {
    for (const { name } of files) assert.ok(!(await vendor.file(APP, index, name)).includes(keyLines(pem)[0]), `${name} holds the key`);
  }
});

test('links, pipes and roots outside are refused before the vendor hears of anything', { skip: standinMissing }, async (t) => {
  const { base, vendor } = await stage(t);
  const src = (name, changes) => writeTree(join(base, name), miniProgram(changes));
  const [linked, folder, config, piped] = ['linked', 'folder', 'config', 'piped'].map((name) => src(name, name === 'config' ? { 'mini.project.json': null } : {}));
  symlinkSync(join(base, 'secret/private_key'), join(linked, 'a.json'));
  symlinkSync(join(base, 'secret'), join(folder, 'data'));
  symlinkSync(join(base, 'secret/private_key'), join(config, 'mini.project.json'));
  execFileSync('mkfifo', [join(piped, 'pipe')]);
  const outside = src('outside', { 'mini.project.json': { format: 2, miniprogramRoot: '../secret' } });
  for (const [project, code] of [[linked, 'symlink_refused'], [folder, 'symlink_refused'], [config, 'symlink_refused'], [piped, 'special_file'], [outside, 'mini_project_invalid']]) {
    const { result } = await driveAlipay(base, 'deliver', project, { env: vendor.env });
    assert.equal(result.code, code, result.message);
  }
  assert.deepEqual([...vendor.asked], []);
});

test('the key is in no argument and no environment, and nothing outlives the driver', { skip: standinMissing }, async (t) => {
  const { base, vendor, pem } = await stage(t);
  await vendor.scenario(APP, 'hang');
  let children = [];
  const { result, tmp } = await driveAlipay(base, 'deliver', writeTree(join(base, 'src'), miniProgram()), {
    job: { timeout_seconds: 12 },
    env: vendor.env,
    during: async (pid, stdout) => {
      for (let tries = 0; tries < 500 && !stdout().includes('"upload"'); tries += 1) await new Promise((done) => setTimeout(done, 20));
      children = descendants(pid);
      for (const process of [pid, ...children]) {
        for (const file of ['cmdline', 'environ']) {
          const text = readFileSync(`/proc/${process}/${file}`, 'utf8');
          assert.ok(!text.includes(TOOL) && keyLines(pem).every((line) => !text.includes(line)));
        }
      }
    },
  });
  assert.equal(result.code, 'vendor_timeout');
  assert.equal(children.length, 1);
  // Killed is not gone at once: a large process takes a moment to be torn down.
  const alive = () => children.filter((pid) => existsSync(`/proc/${pid}`) && !/\bZ\b/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  for (let tries = 0; tries < 100 && alive().length > 0; tries += 1) await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(alive(), []);
  assert.deepEqual(readdirSync(tmp).filter((name) => name.startsWith('sampan-')), [], 'and no scratch, where the tool writes its logs');
});
