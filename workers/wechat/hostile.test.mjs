// Proofs about the keyed stage: no code of the repository runs in it, and no file but the package leaves it. Each hostile
// thing is first shown to work where it may (prepare), so that its silence in deliver means something.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { descendants } from '../lib/processes.mjs';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';

const APP = 'wx0123456789abcdef';

/** JavaScript that reports where it ran and everything it could learn there. */
const spy = (marks, name) => `
  const fs = require('fs');
  const read = (path) => { try { return fs.readFileSync(path, 'utf8'); } catch { return ''; } };
  const seen = ['self', process.ppid].map((pid) => read('/proc/' + pid + '/cmdline') + read('/proc/' + pid + '/environ'));
  fs.writeFileSync(${JSON.stringify(join(marks, name))}, JSON.stringify({ env: process.env, seen, key: read('/job/secret/private_key') }));
  module.exports = { install() {}, plugins: [], presets: [] };
`;

const hostile = (marks) =>
  miniProgram({
    'project.config.json': { miniprogramRoot: '', setting: { useCompilerPlugins: ['typescript', 'less', 'sass'], es6: true, enhance: true, minified: true, minifyWXSS: true, postcss: true } },
    'project.private.config.json': { setting: { useCompilerPlugins: ['less'] } },
    'pages/index/index.wxss': null,
    'pages/index/index.less': '@plugin "../../evil";\n.a { color: red }',
    'pages/extra.wxss': '.b { color: red }',
    'evil.js': spy(marks, 'less-plugin'),
    'package.json': { name: 'x', browserslist: ['extends browserslist-config-evil'], babel: { plugins: ['./evil2.js'] } },
    'node_modules/browserslist-config-evil/index.js': spy(marks, 'browserslist'),
    'evil2.js': spy(marks, 'babel-plugin'),
    ...Object.fromEntries(['babel.config.js', '.babelrc.js', 'postcss.config.js', 'tailwind.config.js', '.eslintrc.js', '.swcrc.js'].map((name) => [name, spy(marks, name)])),
    '.babelrc': { plugins: ['./evil2.js'] },
    '.swcrc': { jsc: { experimental: { plugins: [['./evil2.js', {}]] } } },
    '.npmrc': `node-options=--require ./evil2.js\n`,
  });

test('a Less plugin runs in prepare, without a key, and never in deliver', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const marks = join(base, 'marks');
  mkdirSync(marks);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await vendor.app(base, APP);
  const src = writeTree(join(base, 'src'), hostile(marks));

  // The job of prepare names no place where a key is.
  const prepared = await drive(base, 'prepare', src, { job: { secrets: '/job/secret' } });
  assert.equal(prepared.status, 0, prepared.stdout + prepared.stderr);
  const ran = readdirSync(marks);
  // Two ways in: a Less plugin, and a shared browserslist configuration, which is code of some package.
  assert.deepEqual(ran, ['browserslist', 'less-plugin']);
  for (const name of ran) {
    const report = readFileSync(join(marks, name), 'utf8');
    assert.equal(JSON.parse(report).key, '');
    assert.ok(!report.includes('PRIVATE KEY') && !report.includes(pem.split('\n')[3]), 'prepare has no key to see');
    rmSync(join(marks, name));
  }

  // Taking its configuration away is enough by itself: here nothing confines the compiler, and still nothing runs.
  const stripped = { ...hostile(marks), 'project.config.json': { miniprogramRoot: '' }, 'project.private.config.json': null, 'pages/index/index.wxss': '' };
  const unconfined = await drive(base, 'prepare', writeTree(join(base, 'stripped'), stripped));
  assert.equal(unconfined.status, 0, unconfined.stdout);
  assert.deepEqual(readdirSync(marks), []);

  for (const [what, project] of [['the prepared package', join(prepared.out, 'package')], ['the hostile tree itself', src]]) {
    const { status, result, stdout, stderr } = await drive(base, 'deliver', project, { env: vendor.env });
    assert.equal(status, 0, `${what}: ${result?.message} ${stdout}${stderr}`);
    assert.deepEqual(readdirSync(marks), [], `${what}: something of the repository ran beside the key`);
  }
  const uploads = await vendor.uploads(APP);
  const config = await vendor.file(APP, 1, 'project.config.json');
  assert.equal(uploads.length, 2);
  assert.ok(!config.includes('useCompilerPlugins'), 'the package brought no configuration');
});

test('neither does anything of a plugin or a game run in deliver', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const marks = join(base, 'marks');
  mkdirSync(marks);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await vendor.app(base, APP);
  const { 'project.config.json': config, ...files } = hostile(marks);
  const below = (folder) => Object.fromEntries(Object.entries(files).map(([path, content]) => [folder + path, content]));
  const key = join(base, 'secret', 'private_key');
  const main = { 'plugin/plugin.json': { main: 'index.js' }, 'plugin/index.js': '', ...below('plugin/'), ...below('miniprogram/'), ...files };
  const packages = {
    plugin: main,
    // A plugin that a game brings along is checked by the digests of files it names.
    game: {
      ...main,
      'game.json': { plugins: { lamp: { provider: APP, version: '1.0.0', path: 'lamp' } } },
      'game.js': '',
      'lamp/signature.json': { provider: APP, signature: [{ path: `x/${'../'.repeat(20)}${key.slice(1)}`, md5: '0'.repeat(32) }] },
    },
  };
  for (const [compileType, tree] of Object.entries(packages)) {
    await vendor.kind(APP, compileType === 'game' ? 'game' : 'miniprogram');
    const src = writeTree(join(base, compileType), { ...tree, 'project.config.json': { ...config, compileType, miniprogramRoot: '../', pluginRoot: '../../' } });
    const run = await drive(base, 'deliver', src, { env: vendor.env });
    assert.deepEqual(readdirSync(marks), [], `${compileType}: something of the repository ran beside the key`);
    assert.equal(run.status, compileType === 'game' ? 1 : 0, run.stdout + run.stderr);
    const said = run.stdout + run.stderr + JSON.stringify(run.result);
    for (const line of pem.split('\n').slice(0, -1)) assert.ok(!said.includes(line), 'no line of the key in the log');
    if (compileType === 'game') assert.doesNotMatch(run.result.message, /md5|[0-9a-f]{32}/i, 'not even a digest of the key');
  }
  assert.ok(!(await vendor.file(APP, 0, 'project.config.json')).includes('useCompilerPlugins'), 'the package brought no configuration');
});

test('source maps cannot carry the key out', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await vendor.app(base, APP);
  const key = `${'../'.repeat(16)}${join(base, 'secret', 'private_key').slice(1)}`;
  const map = JSON.stringify({ version: 3, sources: [key], names: [], mappings: 'AAAA' });
  const inline = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  const pages = ['pages/index/index', 'pages/inline', 'pages/other', 'pages/up'];
  const tree = miniProgram({ 'app.json': { pages, sitemapLocation: key, themeLocation: key }, 'app.js.map': map, 'other.js.map': map });
  for (const page of pages.slice(1)) Object.assign(tree, { [`${page}.wxml`]: '<view/>', [`${page}.json`]: {} });
  Object.assign(tree, { 'pages/inline.js': `Page({})\n${inline}\n${inline}\n`, 'pages/other.js': 'Page({})\n//# sourceMappingURL=../other.js.map', 'pages/up.js': `Page({})\n//@ sourceMappingURL=${key}.js.map\n` });
  const src = writeTree(join(base, 'src'), tree);
  writeTree(base, { 'secret/private_key.js.map': map });

  // Where nothing confines it the vendor's tool does put the file's text into the map: this is not a made-up danger.
  const prepared = await drive(base, 'prepare', writeTree(join(base, 'proof'), { ...tree, 'app.json': { pages } }));
  assert.ok(readFileSync(join(prepared.out, 'package/app.js.map'), 'utf8').includes('PRIVATE KEY'));

  const refused = await drive(base, 'deliver', src, { env: vendor.env });
  for (const text of [refused.stdout, refused.stderr, JSON.stringify(refused.result)]) assert.ok(!/PRIVATE|BEGIN/.test(text), 'not even the beginning is quoted');
  const { status, stdout } = await drive(base, 'deliver', writeTree(join(base, 'src2'), { ...tree, 'app.json': { pages } }), { env: vendor.env });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /source_map_changed/);
  const index = (await vendor.uploads(APP)).length - 1;
  const [upload] = (await vendor.uploads(APP)).slice(-1);
  for (const { name } of upload.files) {
    const text = (await vendor.file(APP, index, name)).toString();
    if (name.endsWith('ci.signature')) continue;
    for (const line of pem.split('\n').slice(0, -1)) assert.ok(!text.includes(line), `${name} holds the key`);
  }
});

test('links, pipes and a missing key are refused before the vendor hears of anything', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  await vendor.app(base, APP);
  const src = (name) => writeTree(join(base, name), miniProgram());
  const linked = src('linked');
  symlinkSync(join(base, 'secret/private_key'), join(linked, 'a.json'));
  const folder = src('folder');
  symlinkSync(join(base, 'secret'), join(folder, 'data'));
  const piped = src('piped');
  execFileSync('mkfifo', [join(piped, 'pipe')]);
  for (const [project, code] of [[linked, 'symlink_refused'], [folder, 'symlink_refused'], [piped, 'special_file']]) {
    const { result } = await drive(base, 'deliver', project, { env: vendor.env });
    assert.equal(result.code, code);
  }
  const { result } = await drive(base, 'deliver', src('plain'), { job: { secrets: join(base, 'elsewhere') }, env: vendor.env });
  assert.equal(result.code, 'private_key_missing');
  assert.deepEqual([...vendor.asked], []);
});

test('the key is in no argument and no environment, and nothing outlives the driver', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  const pem = await vendor.app(base, APP, 'hang');
  let children = [];
  const { result } = await drive(base, 'deliver', writeTree(join(base, 'src'), miniProgram()), {
    job: { timeout_seconds: 12 },
    env: vendor.env,
    during: async (pid, stdout) => {
      for (let tries = 0; tries < 500 && !stdout().includes('request url'); tries += 1) await new Promise((done) => setTimeout(done, 20));
      children = descendants(pid);
      const line = pem.split('\n')[3];
      for (const process of [pid, ...children]) {
        for (const file of ['cmdline', 'environ']) assert.ok(!readFileSync(`/proc/${process}/${file}`, 'utf8').includes(line));
      }
    },
  });
  assert.equal(result.code, 'vendor_timeout');
  assert.ok(children.length > 0);
  assert.deepEqual(children.filter((pid) => existsSync(`/proc/${pid}`) && !/\bZ\b/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))), []);
});
