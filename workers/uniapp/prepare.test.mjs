// The driver as a container runs it: what it makes of a compiled app, what it fills in, and what it refuses.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { unzipSync } from 'fflate';
import { problemWith } from '../lib/result.mjs';
import { drive } from '../testing/drive.mjs';
import { errorRows, recognise } from '../testing/errors.mjs';
import { scratchDir, writeTree } from '../testing/tree.mjs';

const APP = '__UNI__SAMPAN1';
const rows = errorRows(new URL('platform.toml', import.meta.url));

const manifest = (changes = {}) => ({ id: APP, name: '港口', version: { name: '1.0.0', code: '100' }, plus: { 'uni-app': { compilerVersion: '5.09' } }, launch_path: '__uniappview.html', ...changes });
const app = (changes = {}) => ({
  'manifest.json': JSON.stringify(manifest()),
  'app-service.js': 'console.log("app")',
  '__uniappview.html': '<html></html>',
  'pages/board/board.css': '.a { color: red }',
  'static/港口.png': 'png',
  ...changes,
});
const withManifest = (changes) => app({ 'manifest.json': manifest(changes) });

/** Writes `tree`, lets `change` disturb it, and runs the stage. `packed` is the manifest in the wgt. */
async function pack(t, tree, job = {}, change = () => {}) {
  const base = scratchDir(t);
  const project = writeTree(join(base, 'app'), tree);
  change(project, base);
  const run = await drive(base, 'prepare', project, { job: { platform: 'uniapp', action: 'publish', app_id: APP, version: '', secrets: '/job/secret', ...job } });
  assert.equal(problemWith(run.result), null, run.stdout + run.stderr);
  const file = join(run.out, 'package', 'update.wgt');
  const wgt = existsSync(file) ? readFileSync(file) : null;
  const packed = wgt && JSON.parse(Buffer.from(unzipSync(wgt)['manifest.json']).toString());
  return { ...run, wgt, packed };
}

test("a compiled app, in the project's own version: one file, nothing changed in it", async (t) => {
  const { status, result, out, wgt, stdout } = await pack(t, app());
  assert.equal(status, 0, stdout);
  assert.deepEqual([readdirSync(out), readdirSync(join(out, 'package'))], [['package', 'result.json'], ['update.wgt']]);
  const sha256 = createHash('sha256').update(wgt).digest('hex');
  assert.deepEqual(result, { ok: true, version: '1.0.0', sizes: [{ name: '__FULL__', bytes: wgt.length }], vendor: { app_id: APP, version_code: 100, files: 5, sha256, compiler: '5.09' } });
  const files = Object.fromEntries(Object.entries(unzipSync(wgt)).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
  assert.deepEqual(files, app());
});

test('the same tree gives the same bytes, whatever order, times and modes it was written with', async (t) => {
  const first = await pack(t, app());
  const reversed = Object.fromEntries(Object.entries(app()).reverse());
  const second = await pack(t, reversed, { nonce: 'another-nonce-of-this-run', release: 'f'.repeat(32) }, (project) => {
    for (const path of Object.keys(app())) utimesSync(join(project, path), 1_000_000_000, 2_000_000_000);
    execFileSync('chmod', ['-R', 'go-rwx,u+x', project]);
  });
  assert.equal(second.result.vendor.sha256, first.result.vendor.sha256);
  const third = await pack(t, app({ 'app-service.js': 'console.log("app!")' }));
  assert.notEqual(third.result.vendor.sha256, first.result.vendor.sha256);
});

test('what the release knows is written into the manifest, in the type it has there', async (t) => {
  const cases = [
    // the project's id and version, the job's changes, what the wgt says
    [{}, { version: '1.0.1', options: { version_code: 101 } }, { name: '1.0.1', code: '101' }],
    [{}, { options: { version_code: '101' } }, { name: '1.0.0', code: '101' }],
    [{ version: { name: '1.0.0', code: 100 } }, { options: { version_code: '101' } }, { name: '1.0.0', code: 101 }],
    [{ version: { name: '1.0.0', code: 100 } }, { version: '2.0.0' }, { name: '2.0.0', code: 100 }],
    [{ id: '', version: {} }, { version: '1.0.1', options: { version_code: 101 } }, { name: '1.0.1', code: '101' }],
    [{ id: undefined, version: undefined }, { version: '1.0.1', options: { version_code: 101 } }, { name: '1.0.1', code: '101' }],
    [{ version: { name: '', code: null, extra: 1 } }, { version: '1.0.1', options: { version_code: 101 } }, { name: '1.0.1', code: '101', extra: 1 }],
    [{ version: { name: 'nightly', code: 'x' } }, { version: '1.0.1', options: { version_code: 101 } }, { name: '1.0.1', code: '101' }],
  ];
  for (const [changes, job, version] of cases) {
    const { result, packed, stdout } = await pack(t, withManifest(changes), job);
    assert.deepEqual(packed, { ...manifest(), version }, stdout);
    assert.deepEqual([result.version, result.vendor.version_code], [version.name, Number(version.code)]);
    assert.match(stdout, /, now /);
  }
});

const refused = {
  'another id': [withManifest({ id: '__UNI__OTHER01' }), {}, 'appid_mismatch', /"__UNI__OTHER01".*"__UNI__SAMPAN1"/],
  'an id that is no text': [withManifest({ id: 7 }), {}, 'appid_mismatch', /id 7/],
  'no version': [withManifest({ version: {} }), { options: { version_code: 1 } }, 'version_missing', /version\.name/],
  'a version phones cannot compare': [withManifest({ version: { name: '1.0.0-beta', code: '1' } }), {}, 'version_invalid', /"1\.0\.0-beta"/],
  'a version that is no text': [withManifest({ version: { name: 1, code: '1' } }), {}, 'version_invalid', /not 1$/],
  'no code': [withManifest({ version: { name: '1.0.0', code: '' } }), {}, 'version_code_missing', /version\.code/],
  'an empty code given': [withManifest({ version: { name: '1.0.0' } }), { options: { version_code: '' } }, 'version_code_missing', /version\.code/],
  'a manifest that is no JSON': [app({ 'manifest.json': '// note\n{}' }), {}, 'manifest_invalid', /not JSON/],
  'a manifest that is no object': [app({ 'manifest.json': '[]' }), {}, 'manifest_invalid', /not a JSON object/],
  'a manifest whose version is no object': [withManifest({ version: '1.0.0' }), { version: '1.0.1' }, 'manifest_invalid', /version/],
  'a manifest of megabytes': [withManifest({ padding: 'x'.repeat(1024 * 1024) }), {}, 'manifest_invalid', /bytes/],
  'a manifest that is a folder': [app({ 'manifest.json': null, 'manifest.json/a': '' }), {}, 'manifest_missing', /no manifest\.json/],
  'no manifest': [app({ 'manifest.json': null }), {}, 'manifest_missing', /no manifest\.json/],
  'a web page': [{ 'index.html': '<html></html>', 'assets/index.js': '' }, {}, 'web_page_output', /index\.html/],
  'a web page with a manifest for browsers': [{ 'index.html': '<html></html>', 'manifest.json': { name: 'x', start_url: '/' } }, {}, 'web_page_output', /index\.html/],
  'a mini-program': [{ 'app.json': {}, 'app.js': '', 'project.config.json': {} }, {}, 'mini_program_output', /app\.json/],
  'a mini-program of Alipay': [{ 'mini.project.json': {}, 'app.js': '' }, {}, 'mini_program_output', /mini\.project\.json/],
  'the source': [{ 'manifest.json': '{ /* note */ "appid": "" }', 'pages.json': {}, 'App.vue': '' }, {}, 'source_folder', /pages\.json/],
  'an empty folder': [{ 'a/b': '' }, {}, 'manifest_missing', /no manifest\.json/],
  'a name that would break a log': [app({ 'static/a\nb': '' }), {}, 'bad_name', /static\/a b/],
  'a name that cannot be packed': [app({ __proto__: null, ['__proto__']: 'x' }), {}, 'bad_name', /__proto__/],
};
for (const bad of ['0', '-1', '1.5', '1e3', '0101', ' 101', 'v1', '2147483648', '99999999999999999999', true, [101], {}, 1.5, -1]) {
  refused[`the code ${JSON.stringify(bad)}`] = [app(), { options: { version_code: bad } }, 'version_code_invalid', /whole number/];
  refused[`the project's code ${JSON.stringify(bad)}`] = [withManifest({ version: { name: '1.0.0', code: bad } }), {}, 'version_code_invalid', /whole number/];
}

const links = {
  'a link inside': (project) => symlinkSync('app-service.js', join(project, 'link.js')),
  'a link outside': (project) => symlinkSync('/etc/passwd', join(project, 'static', 'passwd')),
  'a link to a folder': (project) => symlinkSync('pages', join(project, 'more')),
  'a broken link': (project) => symlinkSync('nowhere', join(project, 'gone')),
  'a manifest that is a link': (project, base) => {
    writeFileSync(join(base, 'outside.json'), JSON.stringify(manifest()));
    rmSync(join(project, 'manifest.json'));
    symlinkSync('../outside.json', join(project, 'manifest.json'));
  },
};
for (const [name, change] of Object.entries(links)) refused[name] = [app(), {}, 'symlink_refused', /symbolic link/, change];
refused['the source, with what npm installed'] = [{ 'manifest.json': '{}', 'pages.json': {} }, {}, 'source_folder', /pages\.json/, (project) => symlinkSync('pages.json', join(project, 'acorn'))];
refused['a pipe'] = [app(), {}, 'special_file', /pipe/, (project) => execFileSync('mkfifo', [join(project, 'pipe')])];
refused['a name that is not UTF-8'] = [app(), {}, 'bad_name', /not UTF-8/, (project) => writeFileSync(Buffer.concat([Buffer.from(`${project}/a`), Buffer.from([0xff])]), '')];
refused['folders without end'] = [app(), {}, 'tree_too_large', /deep/, (project) => mkdirSync(join(project, 'd/'.repeat(70)), { recursive: true })];

test('what is refused, and that a person is told', async (t) => {
  for (const [name, [tree, job, code, text, change]] of Object.entries(refused)) {
    await t.test(name, async (t) => {
      const { status, result, wgt } = await pack(t, tree, job, change);
      assert.deepEqual([status, result.ok, result.code, wgt], [1, false, code, null], result.message);
      assert.match(result.message, text);
      assert.ok(recognise(rows, `${result.code} ${result.message}`), 'a row of the error table');
    });
  }
});

test('a 5+ app is one too', async (t) => {
  const { result } = await pack(t, { 'index.html': '<html></html>', 'manifest.json': manifest({ launch_path: 'index.html' }) });
  assert.equal(result.ok, true, result.message);
});

test('there is no deliver', async (t) => {
  const base = scratchDir(t);
  const { status, result } = await drive(base, 'deliver', base, { job: { platform: 'uniapp' } });
  assert.deepEqual([status, result], [2, null]);
});
