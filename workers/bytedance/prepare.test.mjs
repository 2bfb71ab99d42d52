// Stage 1 alone: what is refused before any key is near, what is copied and how it is counted.

import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { problemWith } from '../lib/result.mjs';
import { drive } from '../testing/drive.mjs';
import { errorRows, recognise } from '../testing/errors.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';

const APP = 'tt53414d50414e0001';
const JOB = { platform: 'bytedance', app_id: APP, version: '1.2.3' };
const program = (changes) => miniProgram({ 'project.config.json': { appid: APP }, ...changes });
const prepare = (base, project, job = {}) => drive(base, 'prepare', project, { job: { ...JOB, ...job } });
const rows = errorRows(new URL('platform.toml', import.meta.url));

const app = (more) => ({ 'app.json': { pages: ['pages/index/index'], ...more } });
const config = (more) => ({ 'project.config.json': { appid: APP, ...more } });
const refusals = [
  ['project_config_missing', { 'project.config.json': null }, 'project_config_missing'],
  ['project_config_invalid', { 'project.config.json': '{"appid": ,}' }, 'project_config_invalid'],
  ['project_config_invalid', config({ miniprogramRoot: '../secret' }), 'project_config_invalid'],
  ['appid_mismatch', config({ appid: 'ttaaaaaaaaaaaaaaaa' }), 'appid_mismatch'],
  ['appid_mismatch', config({ appid: 'testappId' }), 'appid_mismatch'],
  ['appid_mismatch', config({ appid: undefined }), 'appid_mismatch'],
  // The tool would take this one.
  ['appid_mismatch', config({ ttappid: 'ttaaaaaaaaaaaaaaaa' }), 'appid_mismatch'],
  ['project_type_unsupported', config({ ttProjectType: 'microgame' }), 'project_type_unsupported'],
  ['project_type_unsupported', { 'app.json': null, 'game.json': {} }, 'project_type_unsupported'],
  ['project_type_unsupported', app({ liveCards: [] }), 'project_type_unsupported'],
  ['app_json_missing', { 'app.json': null }, 'app_files_missing'],
  ['app_json_missing', config({ miniprogramRoot: 'elsewhere/' }), 'app_files_missing'],
  ['app_js_missing', { 'app.js': null }, 'app_files_missing'],
  ['app_json_invalid', { 'app.json': '{"pages":[' }, 'app_json_invalid'],
  ['app_pages_empty', { 'app.json': { pages: [] } }, 'app_json_invalid'],
  ['app_json_invalid', app({ gameFiles: ['../*.json'] }), 'app_json_invalid'],
  ['app_json_invalid', app({ gameFiles: ['a/{.,x}./{.,x}./*.json'] }), 'app_json_invalid'],
  ['app_json_invalid', app({ subPackages: [{ root: '../secret', pages: [] }] }), 'app_json_invalid'],
  ['subpackage_missing', app({ subPackages: [{ root: 'shop/', pages: ['list'] }] }), 'subpackage_missing'],
  ['ext_json_invalid', { 'ext.json': { extEnable: true, extAppid: '../../x' } }, 'ext_config_invalid'],
];

test('refuses', async (t) => {
  for (const [index, [code, changes, row]] of refusals.entries()) {
    await t.test(`${index} ${code}`, async (t) => {
      const base = scratchDir(t);
      const { status, result } = await prepare(base, writeTree(join(base, 'src'), program(changes)));
      assert.equal(status, 1);
      assert.equal(result.code, code, result.message);
      const known = recognise(rows, `${code} ${result.message}`);
      assert.deepEqual([known?.code, known?.uncertain], [row, false]);
      if (code === 'appid_mismatch') assert.match(result.message, /says appid ".*program is "tt53414d50414e0001"/);
    });
  }
});

test('a query or a scene needs a page, an upload three numbers', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(join(base, 'src'), program());
  for (const job of [{ query: 'a=1' }, { scene: '1011' }]) {
    const { result } = await prepare(base, src, { action: 'preview', ...job });
    assert.equal(result.code, 'page_path_missing');
    assert.match(result.message, job.query ? /^query / : /^scene /);
  }
  assert.equal((await prepare(base, src, { action: 'preview', version: '26.03.07.4' })).status, 0);
  assert.equal((await prepare(base, src, { version: '26.03.07.4' })).result.code, 'version_invalid');
});

test('copies plain files, leaves out what is not shipped, counts as the tool does', async (t) => {
  const base = scratchDir(t);
  const big = Buffer.alloc(3 * 1024 * 1024, 'x');
  const src = writeTree(join(base, 'src'), {
    ...program(app({ subPackages: [{ root: 'shop/', pages: ['list'] }] })),
    'shop/list.js': big,
    'shop/list.js.map': 'not counted',
    'node_modules/x/index.js': 'x',
    'pages/.hidden/a.js': 'x',
    '.env': 'SECRET=1',
    'project.private.config.json': { setting: { bigPackageSizeSupport: true } },
  });
  const run = await prepare(base, src);
  assert.equal(run.status, 0, run.stdout);
  assert.equal(problemWith(run.result), null);
  const { kind, sizes, vendor } = run.result;
  const bytes = Object.fromEntries(sizes.map(({ name, bytes }) => [name, bytes]));
  assert.deepEqual([kind, Object.keys(bytes), bytes.shop, vendor], ['split', ['__FULL__', '__APP__', 'shop'], big.length, { cli: 'tt-ide-cli 0.1.33' }]);
  assert.equal(bytes.__FULL__, bytes.__APP__ + bytes.shop);
  const shipped = (path) => existsSync(join(run.out, 'package', path));
  assert.ok(shipped('shop/list.js.map'));
  for (const path of ['node_modules', 'pages/.hidden', '.env', 'project.private.config.json']) assert.ok(!shipped(path), path);
});

test('names other limits for a preview of a project with large packages, and only for that', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(join(base, 'src'), program(config({ setting: { bigPackageSizeSupport: true } })));
  assert.equal((await prepare(base, src, { action: 'preview' })).result.kind, 'large');
  assert.equal((await prepare(base, src)).result.kind, undefined);
});

test('warns when ext.json names another app', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(join(base, 'src'), program({ 'ext.json': { extEnable: true, extAppid: 'ttbbbbbbbbbbbbbbbb' } }));
  const { status, stdout } = await prepare(base, src);
  assert.equal(status, 0);
  assert.match(stdout, /"code":"ext_app".*ttbbbbbbbbbbbbbbbb/);
});

test('links inside become files, those that leave or have no end are refused', async (t) => {
  const base = scratchDir(t);
  writeTree(base, { 'outside/secret.json': {} });
  const source = (name) => writeTree(join(base, name), program({ 'data/a.json': { a: 1 } }));
  const inside = source('inside');
  symlinkSync('a.json', join(inside, 'data', 'b.json'));
  symlinkSync('data', join(inside, 'copy'));
  const good = await prepare(base, inside);
  assert.equal(good.status, 0, good.stdout);
  for (const path of ['data/b.json', 'copy/a.json', 'copy/b.json']) {
    const file = join(good.out, 'package', path);
    assert.ok(lstatSync(file).isFile() && !lstatSync(join(good.out, 'package', 'copy')).isSymbolicLink());
    assert.equal(readFileSync(file, 'utf8'), '{"a":1}');
  }
  const bad = {
    file: ['symlink_escape', join(base, 'outside/secret.json')],
    folder: ['symlink_escape', join(base, 'outside')],
    sibling: ['symlink_escape', '../outside'],
    nowhere: ['symlink_broken', '/nowhere/at/all'],
    loop: ['symlink_loop', '.'],
  };
  for (const [name, [code, target]] of Object.entries(bad)) {
    const src = source(name);
    symlinkSync(target, join(src, 'x.json'));
    const { result, out } = await prepare(base, src);
    assert.deepEqual([result.code, result.path], [code, 'x.json'], name);
    assert.ok(!existsSync(join(out, 'package', 'x.json')));
  }
  // Out of a folder that is not shipped, which a listing of the project alone would not look into.
  const deep = source('deep');
  mkdirSync(join(deep, 'node_modules/x'), { recursive: true });
  symlinkSync(join(base, 'outside'), join(deep, 'node_modules/x/y'));
  symlinkSync('node_modules/x', join(deep, 'x'));
  assert.equal((await prepare(base, deep)).result.code, 'symlink_escape');
});
