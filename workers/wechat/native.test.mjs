// Native projects as teams have them: TypeScript, Less and Sass by the vendor's plugins, and npm in every usual layout.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { drive } from '../testing/drive.mjs';
import { miniProgram, scratchDir, writeTree } from '../testing/tree.mjs';

const below = (folder, files) => Object.fromEntries(Object.entries(files).map(([path, content]) => [folder + path, content]));
const shipped = ({ out }, path) => readFileSync(join(out, 'package', path), 'utf8');

test('TypeScript, Less and Sass', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(
    join(base, 'src'),
    miniProgram({
      'project.config.json': { setting: { useCompilerPlugins: ['typescript', 'less', 'sass'], es6: true, enhance: true, minifyWXSS: true } },
      'app.json': { pages: ['pages/index/index', 'pages/sass/sass'] },
      'sitemap.json': null,
      'app.js': null,
      'app.ts': "import { tide } from './lib/tide';\nApp({ tide: tide(3) });",
      'lib/tide.ts': 'export interface Tide { metres: number }\nexport const tide = (metres: number): Tide => ({ metres });',
      'app.less': "@import './paper.less';\npage { color: @ink; view { .box(); } }",
      'paper.less': '@ink: #123456;\n.box() { padding: 4rpx * 2; }',
      'pages/sass/sass.ts': 'Page({ data: { shout: (word?: string) => word?.length ?? 0 } });',
      'pages/sass/sass.json': {},
      'pages/sass/sass.wxml': '<view class="sheet"><view class="row">退潮</view></view>',
      'pages/sass/sass.scss': "@use 'sass:math';\n$gap: 8rpx;\n.sheet { .row { margin: math.div($gap, 2); } }",
    }),
  );
  const run = await drive(base, 'prepare', src);
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(shipped(run, 'app.js'), /require\(["']\.\/lib\/tide["']\)/);
  assert.doesNotMatch(shipped(run, 'lib/tide.js'), /interface|=>|: number/);
  assert.doesNotMatch(shipped(run, 'pages/sass/sass.js'), /\?\.|\?\?/);
  assert.match(shipped(run, 'app.wxss'), /page\s*\{\s*color:\s*#123456.*page view\s*\{\s*padding:\s*8rpx/s);
  assert.match(shipped(run, 'pages/sass/sass.wxss'), /\.sheet \.row\s*\{\s*margin:\s*4rpx/);
  assert.ok(!readdirSync(join(run.out, 'package')).some((name) => /\.(ts|less|scss)$/.test(name)), 'sources are not shipped');

  writeTree(src, { 'app.less': 'page { color: @nobody; }' });
  const { result } = await drive(base, 'prepare', src);
  assert.equal(result.code, '10046');
  assert.match(result.message, /variable @nobody is undefined/);
});

const sums = {
  'package.json': { name: 'sums', version: '1.0.0', main: 'index.js', dependencies: { digits: '^2.0.0' } },
  'index.js': "module.exports = (a) => require('digits')(a);",
};
const digits = (version) => ({ 'package.json': { name: 'digits', version }, 'index.js': `module.exports = () => '${version}';` });
const widgets = {
  'package.json': { name: '@harbour/widgets', version: '1.0.0', miniprogram: 'dist' },
  ...below('dist/', { 'lamp.json': { component: true }, 'lamp.wxml': '<view/>', 'lamp.js': 'Component({})' }),
};
const uses = { dependencies: { sums: '1.0.0', '@harbour/widgets': '1.0.0' } };
const program = (changes = {}) =>
  miniProgram({ 'app.js': "const sums = require('sums');\nApp({ sums });", 'pages/index/index.json': { usingComponents: { lamp: '@harbour/widgets/lamp' } }, ...changes });
const installed = (folder) => ({ ...below(`${folder}sums/`, sums), ...below(`${folder}digits/`, digits('2.0.0')), ...below(`${folder}@harbour/widgets/`, widgets) });
const manually = { setting: { packNpmManually: true, packNpmRelationList: [{ packageJsonPath: './package.json', miniprogramNpmDistDir: './mini/' }] } };

function link(root, path, target) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
}

// Each writes a project; what it gives is its part of the tree.
const layouts = {
  'package.json in miniprogramRoot': (src) =>
    writeTree(src, { 'project.config.json': { miniprogramRoot: 'mini/' }, ...below('mini/', { ...program(), 'package.json': uses, ...installed('node_modules/') }) }),
  'package.json at the top, packed by hand': (src) =>
    writeTree(src, { 'project.config.json': { miniprogramRoot: 'mini/', ...manually }, ...below('mini/', program()), 'package.json': uses, ...installed('node_modules/') }),
  'a workspace: node_modules above': (src) =>
    writeTree(src, { 'project.config.json': { miniprogramRoot: 'mini/' }, ...below('mini/', program({ 'package.json': uses })), 'package.json': { private: true }, ...installed('node_modules/') }),
  'links, as pnpm makes them': (src) => {
    const store = 'node_modules/.pnpm/';
    writeTree(src, {
      'project.config.json': {},
      ...program({ 'package.json': uses }),
      ...below(`${store}sums@1.0.0/node_modules/sums/`, sums),
      ...below(`${store}digits@2.0.0/node_modules/digits/`, digits('2.0.0')),
      ...below(`${store}@harbour+widgets@1.0.0/node_modules/@harbour/widgets/`, widgets),
    });
    link(src, 'node_modules/sums', '.pnpm/sums@1.0.0/node_modules/sums');
    link(src, 'node_modules/@harbour/widgets', '../.pnpm/@harbour+widgets@1.0.0/node_modules/@harbour/widgets');
    link(src, `${store}sums@1.0.0/node_modules/digits`, '../../digits@2.0.0/node_modules/digits');
  },
};

for (const [layout, write] of Object.entries(layouts)) {
  test(`builds npm: ${layout}`, async (t) => {
    const base = scratchDir(t);
    const src = join(base, 'src');
    write(src);
    const before = readdirSync(src).sort();
    const run = await drive(base, 'prepare', src);
    assert.equal(run.status, 0, run.stdout);
    for (const path of ['sums/index.js', 'digits/index.js', '@harbour/widgets/lamp.wxml']) assert.ok(existsSync(join(run.out, 'package/miniprogram_npm', path)), path);
    assert.deepEqual(readdirSync(src).sort(), before, 'the project is as it was');
    assert.deepEqual(readdirSync(run.tmp).filter((name) => name.startsWith('sampan-')), [], 'the private copy is gone');
  });
}

test('two versions of one package, and circles, are laid out as npm would', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(join(base, 'src'), {
    ...program({ 'pages/index/index.json': {}, 'package.json': { dependencies: { sums: '1.0.0', digits: '1.0.0' } } }),
    ...below('node_modules/.pnpm/digits@1/', digits('1.0.0')),
    ...below('node_modules/.pnpm/s/node_modules/sums/', sums),
    ...below('node_modules/.pnpm/d/node_modules/digits/', { ...digits('2.0.0'), 'package.json': { name: 'digits', version: '2.0.0', dependencies: { sums: '1.0.0' } } }),
  });
  link(src, 'node_modules/digits', '.pnpm/digits@1');
  link(src, 'node_modules/sums', '.pnpm/s/node_modules/sums');
  link(src, 'node_modules/.pnpm/s/node_modules/digits', '../../d/node_modules/digits');
  link(src, 'node_modules/.pnpm/d/node_modules/sums', '../../s/node_modules/sums');
  const run = await drive(base, 'prepare', src);
  assert.equal(run.status, 0, run.stdout);
  assert.match(shipped(run, 'miniprogram_npm/digits/index.js'), /1\.0\.0/);
  assert.match(shipped(run, 'miniprogram_npm/sums/miniprogram_npm/digits/index.js'), /2\.0\.0/);
});

test('npm that is not built is refused where a script needs it', async (t) => {
  const base = scratchDir(t);
  const src = writeTree(join(base, 'src'), {
    'project.config.json': { miniprogramRoot: 'mini/' },
    ...below('mini/', program({ 'pages/index/index.json': {} })),
    'package.json': uses,
    ...installed('node_modules/'),
  });
  const outside = await drive(base, 'prepare', src);
  assert.deepEqual([outside.result.code, outside.result.path], ['npm_not_built', 'app.js']);
  assert.match(outside.stdout, /npm_outside_root.*packNpmRelationList.*miniprogramNpmDistDir/);
  const component = await drive(base, 'prepare', writeTree(src, { 'mini/pages/index/index.json': { usingComponents: { lamp: '@harbour/widgets/lamp' } } }));
  assert.equal(component.result.code, '10009');

  // Listed and not used is nobody's business; neither is a name that app.json leads elsewhere.
  const aliased = { pages: ['pages/index/index'], resolveAlias: { 'sums/*': '/lib/*' } };
  const changes = { 'pages/index/index.json': {}, 'app.json': aliased, 'app.js': "require('sums/a');\nApp({});", 'lib/a.js': 'module.exports = 1;' };
  const fine = await drive(base, 'prepare', writeTree(src, below('mini/', changes)));
  assert.equal(fine.status, 0, fine.stdout);

  const bare = await drive(base, 'prepare', writeTree(join(base, 'bare'), program({ 'package.json': uses, 'pages/index/index.json': {} })));
  assert.deepEqual([bare.result.code, bare.stdout.includes('"npm_not_built"')], ['npm_not_built', true]);

  // Cloud functions beside the pages bring a package.json of their own, and run elsewhere.
  const cloud = { 'functions/login/package.json': { dependencies: { sums: '1.0.0' } }, 'functions/login/index.js': "require('sums');" };
  const beside = await drive(base, 'prepare', writeTree(join(base, 'cloud'), program({ ...cloud, 'app.js': 'App({});', 'pages/index/index.json': {} })));
  assert.equal(beside.status, 0, beside.stdout);
});

test('a dependency that leads out of the project is refused', async (t) => {
  const base = scratchDir(t);
  writeTree(join(base, 'outside'), sums);
  const src = writeTree(join(base, 'src'), program({ 'package.json': uses }));
  link(src, 'node_modules/sums', join(base, 'outside'));
  const { result } = await drive(base, 'prepare', src);
  assert.deepEqual([result.code, result.path], ['symlink_escape', 'node_modules/sums']);
});
