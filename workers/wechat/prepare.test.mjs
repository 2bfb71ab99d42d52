// Stage 1 alone: the checks before the vendor's tool, building npm, settings, sizes, and a compiler that dies.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { descendants } from '../lib/processes.mjs';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';

const refusals = {
  app_json_missing: { 'app.json': null },
  app_json_invalid: { 'app.json': '{"pages":[' },
  app_pages_empty: { 'app.json': { pages: [] } },
  project_config_invalid: { 'project.config.json': '{"appid": ,}' },
  appid_mismatch: { 'project.config.json': { appid: 'wxaaaaaaaaaaaaaaaa' } },
  project_type_unsupported: { 'project.config.json': { compileType: 'game' } },
};

for (const [code, changes] of Object.entries(refusals)) {
  test(`refuses: ${code}`, async (t) => {
    const base = scratchDir(t);
    const { status, result } = await drive(base, 'prepare', writeTree(join(base, 'src'), miniProgram(changes)));
    assert.equal(status, 1);
    assert.equal(result.code, code, result.message);
    if (code === 'appid_mismatch') assert.match(result.message, /wxaaaaaaaaaaaaaaaa.*wx0123456789abcdef/);
    if (code === 'project_config_invalid') assert.match(result.message, /JSON: .*(Unexpected|Expected)/);
  });
}

test('refuses links that leave the project, not those inside', async (t) => {
  const base = scratchDir(t);
  writeTree(base, { 'outside/secret.json': {} });
  const src = writeTree(join(base, 'src'), miniProgram({ 'data/a.json': { a: 1 } }));
  symlinkSync('a.json', join(src, 'data', 'b.json'));
  const inside = await drive(base, 'prepare', src);
  assert.equal(inside.status, 0, inside.stdout);
  assert.equal(readFileSync(join(inside.out, 'package/data/b.json'), 'utf8'), '{"a":1}');

  symlinkSync(join(base, 'outside/secret.json'), join(src, 'data', 'c.json'));
  const { result } = await drive(base, 'prepare', src);
  assert.deepEqual([result.code, result.path], ['symlink_escape', 'data/c.json']);
});

test('miniprogramRoot, options over project settings, and the vendor own words', async (t) => {
  const base = scratchDir(t);
  const files = Object.fromEntries(Object.entries(miniProgram({ 'app.js': 'const longName = 1;\n\nApp({ longName });' })).map(([path, text]) => [`mini/${path}`, text]));
  const config = { appid: 'touristappid', miniprogramRoot: 'mini/', setting: { minified: true, minifyWXSS: true } };
  const src = writeTree(join(base, 'src'), { ...files, 'project.config.json': config, 'README.md': 'not shipped' });
  const shipped = ({ out }) => readFileSync(join(out, 'package/app.js'), 'utf8');
  const minified = await drive(base, 'prepare', src);
  assert.equal(minified.status, 0, minified.stdout);
  const plain = await drive(base, 'prepare', src, { job: { options: { minify: 'false' } } });
  assert.ok(shipped(minified).length < shipped(plain).length, 'minify: false wins over the project');

  writeTree(src, { 'mini/app.json': { pages: ['pages/index/index', 'pages/gone/gone'] } });
  const { result } = await drive(base, 'prepare', src);
  assert.equal(result.code, '10005');
  assert.match(result.message, /\["pages"\]\[1\] could not find .*pages\/gone\/gone\.wxml/);
});

test('builds npm from a project it cannot write to', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(
    join(base, 'src'),
    miniProgram({
      'project.config.json': {},
      'package.json': { name: 'shop', dependencies: { sums: '1.0.0', widgets: '1.0.0' } },
      'node_modules/sums/package.json': { name: 'sums', version: '1.0.0', main: 'index.js' },
      'node_modules/sums/index.js': 'module.exports = (a, b) => a + b;',
      'node_modules/widgets/package.json': { name: 'widgets', version: '1.0.0', miniprogram: 'dist' },
      'node_modules/widgets/dist/button.json': { component: true },
      'node_modules/widgets/dist/button.wxml': '<button/>',
      'node_modules/widgets/dist/button.js': 'Component({})',
      'pages/index/index.json': { usingComponents: { 'w-button': 'widgets/button' } },
    }),
  );
  const before = readdirSync(src).sort();
  const { status, out, stdout, tmp } = await drive(base, 'prepare', src);
  assert.equal(status, 0, stdout);
  for (const path of ['sums/index.js', 'widgets/button.wxml']) assert.ok(existsSync(join(out, 'package/miniprogram_npm', path)), path);
  assert.deepEqual(readdirSync(src).sort(), before, 'the project is as it was');
  assert.deepEqual(readdirSync(tmp).filter((name) => name.startsWith('sampan-')), [], 'the private copy is gone');
});

test('a compiler that is killed is a failure, although Node would leave with status 0', async (t) => {
  const base = scratchDir(t);
  const scripts = Array.from({ length: 150 }, (_, i) => [`lib/${i}.js`, `export const f${i} = async () => { for (const x of [1, 2]) await x; };\n`.repeat(20)]);
  const src = writeTree(join(base, 'src'), miniProgram({ ...Object.fromEntries(scripts), 'project.config.json': { setting: { es6: true, enhance: true } } }));
  const run = await drive(base, 'prepare', src, {
    during: async (pid, stdout) => {
      for (let tries = 0; tries < 1000 && !stdout().includes('{"progress"'); tries += 1) await new Promise((done) => setTimeout(done, 20));
      for (const child of descendants(pid)) process.kill(child, 'SIGKILL');
    },
  });
  assert.deepEqual([run.status, run.result?.code], [1, 'compile_child_died'], run.stdout + run.stderr);
});
