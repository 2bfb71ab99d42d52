// Mini-games and plugins with the real vendor package: both stages, the type that arrives at the vendor, and the sizes.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';
import { standinMissing, startVendor } from '../testing/vendor.mjs';

const APP = 'wx0123456789abcdef';
const SCRIPT = 'const answer = async () => [1, 2].map((n) => n * 2);\nanswer();';

const below = (folder, files) => Object.fromEntries(Object.entries(files).map(([path, content]) => [folder + path, content]));
const config = (compileType, more = {}) => ({ appid: APP, compileType, setting: { es6: true, enhance: true, minified: true }, ...more });
const game = {
  'game.json': { deviceOrientation: 'portrait', subpackages: [{ name: 'two', root: 'stage2/' }, { name: 'boss', root: 'boss.js' }] },
  'game.js': SCRIPT,
  'images/hero.txt': 'hero',
  'stage2/game.js': SCRIPT,
  'boss.js': SCRIPT,
};
const plugin = {
  'plugin.json': { publicComponents: { lamp: 'components/lamp' }, main: 'index.js' },
  'index.js': SCRIPT,
  'components/lamp.js': 'Component({})',
  'components/lamp.json': { component: true },
  'components/lamp.wxml': '<view/>',
};

const roots = { miniprogramRoot: 'demo/', pluginRoot: 'lamp/' };
const projects = {
  miniGame: {
    files: { ...below('src/', game), 'project.config.json': config('game', { miniprogramRoot: 'src/' }) },
    isGame: true,
    sizes: ['__FULL__', '__APP__', 'stage2', 'boss.js'],
    arrives: ['game.js', 'game.json', 'stage2/game.js', 'boss.js', 'images/hero.txt'],
    script: 'game.js',
  },
  miniProgramPlugin: {
    files: { ...below('demo/', miniProgram()), ...below('lamp/', plugin), 'doc/README.md': 'not shipped', 'project.config.json': config('plugin', roots) },
    isGame: false,
    sizes: ['__FULL__', '__APP__', '__PLUGIN__'],
    arrives: ['miniprogram/app.json', 'miniprogram/pages/index/index.wxml', 'plugin/plugin.json', 'plugin/components/lamp.wxml'],
    script: 'plugin/index.js',
  },
  miniGamePlugin: {
    files: { ...below('demo/', game), ...below('lamp/', { ...plugin, 'plugin.json': { main: 'index.js' } }), 'project.config.json': config('gamePlugin', roots) },
    isGame: true,
    sizes: ['__FULL__', '__APP__', '__PLUGIN__', 'stage2', 'boss.js'],
    arrives: ['miniprogram/game.json', 'miniprogram/boss.js', 'plugin/plugin.json'],
    script: 'plugin/index.js',
  },
};

for (const [type, { files, isGame, sizes, arrives, script }] of Object.entries(projects)) {
  test(type, { skip: standinMissing }, async (t) => {
    const base = scratchDir(t);
    const vendor = await startVendor(base);
    t.after(() => vendor.close());
    await vendor.app(base, APP);
    await vendor.kind(APP, isGame ? 'game' : 'miniprogram');

    const prepared = await drive(base, 'prepare', writeTree(join(base, 'src'), files));
    assert.equal(prepared.status, 0, prepared.stdout + prepared.stderr);
    const counted = Object.fromEntries(prepared.result.sizes.map(({ name, bytes }) => [name, bytes]));
    assert.deepEqual(Object.keys(counted), sizes);
    assert.equal(Object.values(counted).reduce((sum, bytes) => sum + bytes), 2 * counted.__FULL__);
    assert.ok(Object.values(counted).every((bytes) => bytes > 0), JSON.stringify(counted));
    assert.equal(prepared.stdout.includes('plugin_version'), type.endsWith('Plugin'));
    const compiled = readFileSync(join(prepared.out, 'package', script), 'utf8');
    assert.ok(!/=>|async /.test(compiled), 'converted to ES5');

    for (const action of ['preview', 'upload']) {
      const { status, result, out, stdout, stderr } = await drive(base, 'deliver', join(prepared.out, 'package'), { job: { action }, env: vendor.env });
      assert.equal(status, 0, stdout + stderr);
      assert.equal(existsSync(join(out, 'qr.jpg')), action === 'preview');
      assert.deepEqual(result.sizes.map(({ name }) => name), sizes, 'the same names before and after');
      assert.equal(result.vendor.dev_plugin_id !== undefined, action === 'upload' && type.endsWith('Plugin'));
    }
    const uploads = await vendor.uploads(APP);
    assert.deepEqual(uploads.map((upload) => [upload.kind, upload.type]), [['preview', type], ['upload', type]]);
    const names = uploads[1].files.map(({ name }) => name.replace(/^\//, ''));
    for (const name of arrives) assert.ok(names.includes(name), `${name} in ${names}`);
    assert.equal((await vendor.file(APP, 1, script)).toString(), compiled, 'compiled once, not twice');
  });
}

test('a game is not taken for a mini-program, nor the other way round', { skip: standinMissing }, async (t) => {
  const base = scratchDir(t);
  const vendor = await startVendor(base);
  t.after(() => vendor.close());
  await vendor.app(base, APP);
  const undeclared = await drive(base, 'prepare', writeTree(join(base, 'undeclared'), { ...game, 'project.config.json': config('miniprogram') }));
  assert.equal(undeclared.result.code, 'app_json_missing');
  assert.match(undeclared.result.message, /but game\.json.*"game"/);

  const packed = writeTree(join(base, 'packed'), { ...game, 'project.config.json': config('game') });
  const refused = await drive(base, 'deliver', packed, { env: vendor.env });
  assert.equal(refused.result.code, '20003');
  assert.match(refused.result.message, /800059.*app\.js, file not found/);
  await vendor.kind(APP, 'game');
  const mistaken = await drive(base, 'deliver', writeTree(join(base, 'mini'), miniProgram()), { env: vendor.env });
  assert.deepEqual([mistaken.result.code, mistaken.result.path], ['10005', 'game.json']);
});
