// Little mini-programs in the demo's git server: little or nothing to install, little or nothing to compile, published in seconds.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { outside, scratch } from './world.mjs';

const made = new Set();

export const longBranch = 'feature/keepers-shift-plan-with-a-name-that-nobody-shortened';
/** A branch of `workshop()` whose lockfile was forgotten. */
export const staleBranch = 'fix/tide-table';
/** The only branch of `guarded()` at first. */
export const trunk = 'trunk';
/** What `guarded()` asks for. */
export const token = 'harbour-master-4711';

const native = (appid) => ({
  'app.json': { pages: ['pages/index/index'], window: { navigationBarTitleText: 'Lighthouse' }, sitemapLocation: 'sitemap.json' },
  'sitemap.json': { rules: [{ action: 'allow', page: '*' }] },
  'project.config.json': { appid, compileType: 'miniprogram', setting: { es6: true, minified: true } },
  'app.js': 'App({})\n',
  'pages/index/index.js': 'Page({ data: { light: "on" } })\n',
  'pages/index/index.json': {},
  'pages/index/index.wxml': '<view class="light">{{light}}</view>\n',
  'pages/index/index.wxss': '.light { color: #b0261e; }\n',
});

const manifest = (...dependencies) => ({
  name: 'workshop',
  version: '1.0.0',
  dependencies: Object.fromEntries(dependencies.map((name) => [name, `file:libs/${name}`])),
});

/** Its one dependency lies beside it: installed by npm, without any registry. */
const project = (appid) => ({
  'package.json': manifest('tides'),
  'package-lock.json': {
    ...manifest(),
    lockfileVersion: 3,
    packages: { '': manifest('tides'), 'libs/tides': { version: '1.0.0' }, 'node_modules/tides': { resolved: 'libs/tides', link: true } },
  },
  'libs/tides/package.json': { name: 'tides', version: '1.0.0' },
  'libs/moon/package.json': { name: 'moon', version: '1.0.0' },
  ...Object.fromEntries(Object.entries(native(appid)).map(([path, content]) => [`src/${path}`, content])),
});

function git(...args) {
  const quiet = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const who = Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((role) => [[`GIT_${role}_NAME`, 'Lin Hai'], [`GIT_${role}_EMAIL`, 'lin@example.invalid']]));
  const { GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, ...env } = process.env;
  execFileSync('git', args, { env: { ...env, ...quiet, ...who }, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A bare repository of this run, made once → its name; `branches` are what each of them changes of `first`. */
function repository(kind, files, branches = {}, first = 'main') {
  const name = `browser-${process.pid}-${kind}.git`;
  if (made.has(name)) return name;
  made.add(name);
  const work = join(scratch(), kind);
  const bare = join(outside().DEMO_GIT_ROOT, name);
  const commit = (changes, message) => {
    for (const [path, content] of Object.entries(changes)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      writeFileSync(join(work, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
    }
    git('-C', work, 'add', '-A');
    git('-C', work, 'commit', '-q', '--allow-empty', '-m', message);
  };
  git('init', '-q', '-b', first, work);
  commit(files, 'Light the lamp at dusk');
  for (const [branch, changes] of Object.entries(branches)) {
    git('-C', work, 'switch', '-q', '-c', branch, first);
    commit(changes, 'Ask the moon');
  }
  git('-C', work, 'switch', '-q', first);
  git('clone', '-q', '--bare', work, bare);
  process.once('exit', () => [bare, `${bare}.auth.json`].forEach((path) => rmSync(path, { recursive: true, force: true })));
  return name;
}

const keepers = () => repository('native', native(outside().DEMO_WECHAT_APPID), { [longBranch]: {} });

/** → the address of a program with nothing to install and nothing to compile, on `main` and on `longBranch`. */
export const nativeProgram = () => `${outside().DEMO_GIT_URL}/${keepers()}`;

/** → the same, by SSH. */
export const nativeBySsh = () => `${outside().SAMPAN_TEST_SSH_URL}/${keepers()}`;

/** → the address of a program that npm installs a package for; `src` is what a compiler would make of it. */
export function workshop() {
  const branches = { [longBranch]: {}, [staleBranch]: { 'package.json': manifest('tides', 'moon') } };
  return `${outside().DEMO_GIT_URL}/${repository('workshop', project(outside().DEMO_WECHAT_APPID), branches)}`;
}

/** → the address of a program that only `token` opens; it has no `main`. */
export function guarded() {
  const name = repository('guarded', native(outside().DEMO_WECHAT_APPID), {}, trunk);
  writeFileSync(join(outside().DEMO_GIT_ROOT, `${name}.auth.json`), JSON.stringify({ password: token }));
  return `${outside().DEMO_GIT_HTTPS_URL}/${name}`;
}

/** A branch that somebody pushes to `guarded()` just now. */
export function pushed(branch) {
  git('--git-dir', join(outside().DEMO_GIT_ROOT, repository('guarded')), 'branch', branch, trunk);
}
