// Stage 1 alone: the checks before the vendor's tool, settings, and a compiler that dies.

import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
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
  game_json_missing: { 'project.config.json': { compileType: 'game' } },
  game_json_invalid: { 'project.config.json': { compileType: 'game' }, 'game.json': '{' },
  plugin_json_missing: { 'project.config.json': { compileType: 'plugin', pluginRoot: 'plugin/' } },
  plugin_json_invalid: { 'project.config.json': { compileType: 'plugin', pluginRoot: 'plugin/' }, 'plugin/plugin.json': '' },
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

test('a plugin needs a folder of its own', async (t) => {
  const base = scratchDir(t);
  for (const pluginRoot of [undefined, './', '../plugin']) {
    const src = writeTree(join(base, String(pluginRoot).replaceAll(/\W/g, '_')), miniProgram({ 'project.config.json': { compileType: 'plugin', pluginRoot } }));
    const { result } = await drive(base, 'prepare', src);
    assert.deepEqual([result.code, result.path], ['project_config_invalid', 'project.config.json']);
    assert.match(result.message, /pluginRoot/);
  }
});

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
