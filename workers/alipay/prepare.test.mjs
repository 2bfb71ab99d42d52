// Stage 1: what it refuses, what it warns of, and what it leaves.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { driveAlipay, miniProgram, stubBuilder } from '../testing/alipay.mjs';
import { errorRows, recognise } from '../testing/errors.mjs';
import { scratchDir, writeTree } from '../testing/tree.mjs';

const rows = errorRows(new URL('platform.toml', import.meta.url));

const refusals = {
  'no app.json': [{ 'app.json': null }, 'app_json_missing', 'app_json_missing'],
  'app.json that is no JSON': [{ 'app.json': '{"pages": [' }, 'app_json_invalid', 'app_json_invalid'],
  'app.json that is a list': [{ 'app.json': '[]' }, 'app_json_invalid', 'app_json_invalid'],
  'no pages': [{ 'app.json': {} }, 'app_pages_empty', 'app_json_invalid'],
  'a mini-game': [{ 'app.json': null, 'game.json': {} }, 'kind_unsupported', 'kind_unsupported'],
  'a plugin': [{ 'mini.project.json': { format: 2, compileType: 'plugin' } }, 'kind_unsupported', 'kind_unsupported'],
  'mini.project.json that is no JSON': [{ 'mini.project.json': '{,}' }, 'mini_project_invalid', 'mini_project_invalid'],
  'a root outside': [{ 'mini.project.json': { miniprogramRoot: 'a/../../secret' } }, 'mini_project_invalid', 'mini_project_invalid'],
  'an absolute root': [{ 'mini.project.json': { pluginRoot: '/job/secret' } }, 'mini_project_invalid', 'mini_project_invalid'],
  'a root that holds no app.json': [{ 'mini.project.json': { miniprogramRoot: 'client' } }, 'app_json_missing', 'app_json_missing'],
  'another app id': [{ 'mini.project.json': { appid: '2021000000000002' } }, 'appid_mismatch', 'appid_mismatch'],
  'a configuration of the tool': [{ '.minidev/config.json': { proxy: { https: 'http://127.0.0.1:9' } } }, 'minidev_config_refused', 'minidev_config_refused'],
  'one further down': [{ 'shop/.minidev/config.json': {} }, 'minidev_config_refused', 'minidev_config_refused'],
};

for (const [name, [changes, code, row]] of Object.entries(refusals)) {
  test(`refuses ${name}`, async (t) => {
    const base = scratchDir(t);
    const { status, result, out } = await driveAlipay(base, 'prepare', writeTree(join(base, 'src'), miniProgram(changes)));
    assert.deepEqual([status, result.ok, result.code], [1, false, code], result.message);
    assert.equal(recognise(rows, `${code} ${result.message}`)?.code, row);
    assert.ok(!existsSync(join(out, 'package')));
  });
}

test('links and other entries that are no files', async (t) => {
  const base = scratchDir(t);
  mkdirSync(join(base, 'secret'));
  writeFileSync(join(base, 'secret/private_key'), 'secret');
  const bad = {
    symlink_escape: (dir) => symlinkSync(join(base, 'secret/private_key'), join(dir, 'a.json')),
    symlink_broken: (dir) => symlinkSync('nowhere', join(dir, 'a.json')),
    symlink_loop: (dir) => symlinkSync('..', join(dir, 'pages/up')),
    special_file: (dir) => execFileSync('mkfifo', [join(dir, 'pipe')]),
    bad_name: (dir) => writeFileSync(join(dir, 'a\nb.js'), ''),
  };
  for (const [code, put] of Object.entries(bad)) {
    const dir = writeTree(join(base, code), miniProgram());
    put(dir);
    const { result } = await driveAlipay(base, 'prepare', dir);
    assert.equal(result.code, code, result.message);
    assert.ok(recognise(rows, `${code} ${result.message}`), code);
  }
  const folder = writeTree(join(base, 'folder'), miniProgram());
  symlinkSync(join(base, 'secret'), join(folder, 'data'));
  assert.equal((await driveAlipay(base, 'prepare', folder)).result.code, 'symlink_escape');
});

test('links inside become plain files and folders, and are warned of', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(join(base, 'src'), miniProgram({ 'node_modules/.pnpm/left@1/node_modules/left/index.js': '1' }));
  symlinkSync('.pnpm/left@1/node_modules/left', join(src, 'node_modules/left'));
  symlinkSync('app.js', join(src, 'copy.js'));
  const { status, stdout, out } = await driveAlipay(base, 'prepare', src);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /links_flattened.*node_modules\/left/);
  for (const path of ['copy.js', 'node_modules/left/index.js']) assert.ok(lstatSync(join(out, 'package', path)).isFile());
});

test('what it warns of, and what of mini.project.json stays', async (t) => {
  const base = scratchDir(t);
  const config = { format: 2, scripts: { beforeUpload: 'touch /tmp/x', watch: 'x' }, miniprogramRoot: 'client/', appid: 'touristappid', compileOptions: { less: true } };
  const files = Object.fromEntries(Object.entries(miniProgram({ 'mini.project.json': null, 'img/a@2x.png': 'x' })).map(([path, content]) => [`client/${path}`, content]));
  const { status, result, stdout, out } = await driveAlipay(base, 'prepare', writeTree(join(base, 'src'), { ...files, 'mini.project.json': config }));
  assert.equal(status, 0, stdout);
  assert.match(stdout, /scripts_ignored.*beforeUpload, watch/);
  assert.match(stdout, /at_sign_in_name.*a@2x\.png/);
  const { scripts, ...rest } = config;
  assert.deepEqual(JSON.parse(readFileSync(join(out, 'package/mini.project.json'), 'utf8')), rest);
  assert.ok(result.sizes.find(({ name }) => name === 'shop').bytes > 0, 'sub-packages below miniprogramRoot are found');

  const old = await driveAlipay(base, 'prepare', writeTree(join(base, 'old'), miniProgram({ 'mini.project.json': null })));
  assert.equal(old.status, 0);
  assert.match(old.stdout, /mini_project_missing/);
});

test('a preview without the builder, and one that does not compile', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(join(base, 'src'), miniProgram({ 'stub-fails.txt': '' }));
  for (const env of [{}, { MINIDEV_COMPILEDIR: join(base, 'empty') }]) {
    const { result, stdout } = await driveAlipay(base, 'prepare', src, { job: { action: 'preview' }, env });
    assert.equal(result.code, 'builder_missing');
    assert.equal(recognise(rows, `${result.code} ${result.message}`).code, 'builder_missing');
    assert.ok(!/下载/.test(stdout), 'no download was tried');
  }
  const failed = await driveAlipay(base, 'prepare', src, { job: { action: 'preview' }, env: stubBuilder(base) });
  assert.equal(failed.result.code, 'build_failed', failed.stdout);
  assert.match(failed.stdout + failed.stderr, /index\.axml: a tag is not closed/, "the builder's own words are in the log");
});
