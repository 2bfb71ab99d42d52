// Proofs about the keyed stage: no code of the repository runs in it, no file but the package leaves it, and the package says
// neither where to send it nor for which app. What the tool would do by itself is shown first, so that refusing it means something.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'node:test';
import { unzip } from '../../demo/standin/bytedance/protocol/unzip.mjs';
import { startDirect } from '../testing/direct.mjs';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing } from '../testing/vendor.mjs';

const APP = 'tt53414d50414e0001';
const TOKEN = 'open-sesame-0123456789';
const JOB = { platform: 'bytedance', app_id: APP, version: '1.0.0' };
const program = (changes) => miniProgram({ 'project.config.json': { appid: APP }, ...changes });

async function setUp(t, base, scenario = 'ok') {
  const vendor = await startDirect(base);
  t.after(() => vendor.close());
  await vendor.register(APP, 'bytedance', JSON.stringify({ token: TOKEN }));
  await vendor.scenario(APP, scenario);
  vendor.secrets(base, { token: TOKEN });
  return vendor;
}

/** The tool itself packs a project, with nothing of ours around it. */
async function packedByTool(base, project) {
  Object.assign(process.env, { ALLOW_REPORT_EVENT: 'no', TMA_CLI_HOME: join(base, 'tma') });
  const tma = createRequire(import.meta.url)('tt-ide-cli');
  const stream = await tma.folderToZipStream(project, { whiteList: [], useTypeScript: false }, false);
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test('files outside the project stay there, although the tool would take them', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  writeTree(base, { 'elsewhere/key.json': { key: 'hush' } });
  const linked = writeTree(join(base, 'linked'), program());
  symlinkSync(join(base, 'elsewhere'), join(linked, 'data'));
  assert.equal(unzip(await packedByTool(base, linked)).get('data/key.json')?.toString(), '{"key":"hush"}');
  const reaching = writeTree(join(base, 'reaching'), program({
    'project.config.json': { appid: APP, ttProjectType: 'microapp', miniprogramRoot: '../elsewhere' },
    '../elsewhere/app.json': { pages: ['pages/index/index'], gameFiles: ['*.json'] },
  }));
  assert.equal(unzip(await packedByTool(base, reaching)).get('elsewhere/key.json')?.toString(), '{"key":"hush"}');

  const vendor = await setUp(t, base);
  for (const [project, prepareCode, deliverCode] of [[linked, 'symlink_escape', 'symlink_refused'], [reaching, 'project_config_invalid', 'project_config_invalid']]) {
    assert.equal((await drive(base, 'prepare', project, { job: JOB })).result.code, prepareCode);
    assert.equal((await drive(base, 'deliver', project, { job: JOB, env: vendor.hurried })).result.code, deliverCode);
  }
  assert.deepEqual([vendor.asked(), await vendor.uploads(APP)], [[], []]);
});

test('nothing of the repository runs, and none of its settings steer the tool', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const marks = join(base, 'marks');
  mkdirSync(marks);
  const vendor = await setUp(t, base);
  const spy = (name) => `require('fs').writeFileSync(${JSON.stringify(join(marks, name))}, ''); module.exports = {};`;
  const command = `touch ${join(marks, 'command')}`;
  const steering = { proxy: 'http://127.0.0.1:1', url: { upload: 'http://127.0.0.1:1/steal' }, env: { type: 'boe', channel: 'x' } };
  const src = writeTree(join(base, 'src'), program({
    'project.config.json': {
      appid: APP,
      ...steering,
      scripts: { beforeCompile: command, beforePreview: command, beforeUpload: command, afterUpload: command },
      setting: { useCompilerPlugins: ['typescript', 'less', 'sass'] },
    },
    'project.private.config.json': steering,
    'package.json': { name: 'x', scripts: { preinstall: command, build: command } },
    'pages/index/index.less': '@plugin "../../evil"; .a { color: red }',
    '.tma-cli/config.json': steering,
    '.npmrc': 'node-options=--require ./evil.js\n',
    ...Object.fromEntries(['evil.js', 'babel.config.js', '.babelrc.js', 'postcss.config.js', 'tt.config.js', 'app.ts'].map((name) => [name, spy(name)])),
  }));
  const prepared = await drive(base, 'prepare', src, { job: JOB });
  assert.equal(prepared.status, 0, prepared.stdout);
  for (const [project, version] of [[join(prepared.out, 'package'), '1.0.1'], [src, '1.0.2']]) {
    const run = await drive(base, 'deliver', project, { job: { ...JOB, version }, env: vendor.hurried });
    assert.equal(run.status, 0, run.stdout + run.stderr);
  }
  assert.deepEqual(readdirSync(marks), []);
  assert.deepEqual(vendor.asked(), ['developer.toutiao.com', 'microapp.bytedance.com']);
  for (const [index, { files }] of (await vendor.uploads(APP)).entries()) {
    const names = files.map(({ name }) => name);
    for (const name of ['project.private.config.json', '.npmrc', '.tma-cli/config.json']) assert.ok(!names.includes(name), name);
    for (const name of names) assert.ok(!(await vendor.file(APP, index, name)).includes(TOKEN), `${name} holds the token`);
    assert.ok(!(await vendor.file(APP, index, 'project.config.json')).includes('beforeUpload'));
  }
});

test('links, pipes and another app are refused before the vendor hears of anything', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await setUp(t, base);
  const src = (name, changes) => writeTree(join(base, name), program(changes));
  const [linked, config, piped] = ['linked', 'config', 'piped'].map((name) => src(name));
  symlinkSync(join(base, 'secret/token'), join(linked, 'a.json'));
  execFileSync('ln', ['-sf', join(base, 'secret/token'), join(config, 'project.config.json')]);
  execFileSync('mkfifo', [join(piped, 'pipe')]);
  const other = src('other', { 'project.config.json': { appid: APP, ttappid: 'ttaaaaaaaaaaaaaaaa' } });
  const globs = src('globs', { 'app.json': { pages: ['pages/index/index'], gameFiles: [`${base}/secret/*`] } });
  const cases = [[linked, 'symlink_refused'], [config, 'symlink_refused'], [piped, 'special_file'], [other, 'appid_mismatch'], [globs, 'app_json_invalid']];
  for (const [project, code] of cases) {
    const { result, stdout, stderr } = await drive(base, 'deliver', project, { job: JOB, env: vendor.hurried });
    assert.equal(result.code, code, result.message);
    assert.ok(!(stdout + stderr + JSON.stringify(result)).includes(TOKEN), 'the token is not quoted');
  }
  assert.deepEqual(vendor.asked(), []);
});

test('the token is in no argument, no environment and no file of ours, and nothing is left', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await setUp(t, base, 'hang');
  const run = await drive(base, 'deliver', writeTree(join(base, 'src'), program()), {
    job: { ...JOB, timeout_seconds: 4 },
    env: vendor.hurried,
    during: async (pid, stdout) => {
      for (let tries = 0; tries < 300 && !stdout().includes('"packed"'); tries += 1) await new Promise((done) => setTimeout(done, 20));
      for (const file of ['cmdline', 'environ']) assert.ok(!readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(TOKEN));
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      const tmp = /(?:^|\0)TMPDIR=([^\0]+)/.exec(environment)[1];
      // grep ends with 1 when it finds nothing.
      assert.throws(() => execFileSync('grep', ['-rlF', TOKEN, tmp]), { status: 1 });
      assert.ok(readdirSync(tmp).some((name) => name.startsWith('sampan-')), 'it was at work there');
    },
  });
  assert.equal(run.result.code, 'vendor_timeout');
  assert.deepEqual(readdirSync(run.tmp).filter((name) => name.startsWith('sampan-')), []);
  assert.ok(!existsSync(join(run.tmp, 'home', '.tma-cli')), 'the home of the image is not used');
});
