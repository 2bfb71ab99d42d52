// The parts that need no vendor package: sizes, settings, image types, source maps, the npm plan.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { join } from 'node:path';
import { listTree } from '../lib/tree.mjs';
import { scratchDir, writeTree } from '../testing/tree.mjs';
import { npmPlan } from './npm.mjs';
import { compileSetting, deliverSetting } from './options.mjs';
import { qrName } from './qr.mjs';
import { packageSizes } from './sizes.mjs';
import { disarmSourceMaps } from './sourcemaps.mjs';

test('sizes: what phones load, each file in one package', () => {
  const app = { subPackages: [{ root: '/shop/' }, { root: 'shop/inner' }, { root: './empty' }] };
  const files = { 'app.js': 10, 'app.js.map': 1000, 'project.config.json': 1000, 'shop.js': 1, 'shop/a.js': 20, 'shop/inner/b.js': 300 };
  const sizes = packageSizes(Object.entries(files).map(([path, size]) => ({ path, size })), app);
  assert.deepEqual(sizes, [
    { name: '__FULL__', bytes: 331 },
    { name: '__APP__', bytes: 11 },
    { name: 'shop', bytes: 20 },
    { name: 'shop/inner', bytes: 300 },
    { name: 'empty', bytes: 0 },
  ]);
});

test('settings: only what was asked for overrides the project', () => {
  assert.deepEqual(compileSetting({}), { useProjectConfig: true });
  assert.deepEqual(compileSetting({ es6: 'on', es7: null, minify: false, robot: 3, swc: true }), {
    useProjectConfig: true, es6: true, minify: false, minifyJS: false, minifyWXML: false, minifyWXSS: false,
  });
  assert.deepEqual(deliverSetting({ es6: true, minify: true }), {});
  assert.deepEqual(deliverSetting({ codeProtect: 'true' }), { codeProtect: true });
});

test('a QR image is named by its bytes', () => {
  assert.equal(qrName(Buffer.from([0xff, 0xd8, 0xff, 0xe0])), 'qr.jpg');
  assert.equal(qrName(Buffer.from('89504e470d0a1a0a00', 'hex')), 'qr.png');
  assert.equal(qrName(Buffer.from('<html>')), null);
  assert.equal(qrName(Buffer.alloc(0)), null);
});

test('source maps: those that name files without holding them are changed, others stay byte for byte', (t) => {
  const map = (more) => JSON.stringify({ version: 3, sources: ['../../key'], mappings: '', ...more });
  const inline = (text) => `//# sourceMappingURL=data:application/json;base64,${Buffer.from(text).toString('base64')}`;
  const whole = map({ sourcesContent: ['x'] });
  const tree = {
    'whole.js.map': whole,
    'bare.js.map': map(),
    'string.map': map({ sourcesContent: 'x' }),
    'broken.js.map': '{',
    'whole.js': `a\n${inline(whole)}\n`,
    'bare.js': `a\n${inline(map())}\nb`,
    'twice.js': `${inline(map())}\n${inline(map())}\n`,
    'near.js': 'a\n//# sourceMappingURL=sub/../whole.js.map',
    'far.js': 'a\n//# sourceMappingURL=../far.js.map',
    'remote.js': 'a\n//# sourceMappingURL=https://x.invalid/a.map',
  };
  const dir = writeTree(scratchDir(t), tree);
  const changed = disarmSourceMaps(dir, Object.keys(tree));
  assert.deepEqual(changed, ['bare.js.map', 'string.map', 'broken.js.map', 'bare.js', 'twice.js', 'far.js']);
  const read = (name) => readFileSync(join(dir, name), 'utf8');
  assert.deepEqual(JSON.parse(read('bare.js.map')).sourcesContent, [null]);
  assert.ok(!existsSync(join(dir, 'broken.js.map')));
  assert.equal(read('bare.js'), 'a\n//\nb');
  assert.ok(!read('twice.js').includes('base64'));
  for (const name of ['whole.js.map', 'whole.js', 'near.js', 'remote.js']) assert.equal(read(name), tree[name]);
});

test('npm: packed where the tool expects it, or where the project says, and never twice', (t) => {
  const dir = writeTree(scratchDir(t), {
    'mini/package.json': { dependencies: { a: '1' } },
    'mini/done/package.json': { dependencies: { a: '1' } },
    'mini/done/miniprogram_npm/a/index.js': '',
    'mini/tools/package.json': { devDependencies: { a: '1' } },
    'package.json': { dependencies: { a: '1' } },
  });
  const entries = listTree(dir);
  assert.deepEqual(npmPlan(dir, { config: {}, root: 'mini/' }, entries), [{ packageJson: 'mini/package.json', into: 'mini' }]);
  const manual = (into) => ({ setting: { packNpmManually: true, packNpmRelationList: [{ packageJsonPath: './package.json', miniprogramNpmDistDir: into }] } });
  assert.deepEqual(npmPlan(dir, { config: manual('./mini/'), root: 'mini/' }, entries), [{ packageJson: 'package.json', into: 'mini' }]);
  assert.throws(() => npmPlan(dir, { config: manual('../x'), root: 'mini/' }, entries), { code: 'project_config_invalid' });
});
