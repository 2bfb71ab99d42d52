// Little native mini-programs in the demo's git server: nothing to install, nothing to compile, published in seconds.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { outside, scratch } from './setup.mjs';

const made = new Set();

const files = (appid) => ({
  'app.json': { pages: ['pages/index/index'], window: { navigationBarTitleText: 'Lighthouse' }, sitemapLocation: 'sitemap.json' },
  'sitemap.json': { rules: [{ action: 'allow', page: '*' }] },
  'project.config.json': { appid, compileType: 'miniprogram', setting: { es6: true, minified: true } },
  'app.js': 'App({})\n',
  'pages/index/index.js': 'Page({ data: { light: "on" } })\n',
  'pages/index/index.json': {},
  'pages/index/index.wxml': '<view class="light">{{light}}</view>\n',
  'pages/index/index.wxss': '.light { color: #b0261e; }\n',
});

function git(...args) {
  const quiet = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const who = Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((role) => [[`GIT_${role}_NAME`, 'Lin Hai'], [`GIT_${role}_EMAIL`, 'lin@example.invalid']]));
  const { GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, ...env } = process.env;
  execFileSync('git', args, { env: { ...env, ...quiet, ...who }, stdio: ['ignore', 'ignore', 'inherit'] });
}

export const longBranch = 'feature/keepers-shift-plan-with-a-name-that-nobody-shortened';

/** → the address of a repository with one commit, on `main` and on `longBranch`; the same on every call. */
export function nativeProgram() {
  const { DEMO_GIT_ROOT, DEMO_GIT_URL, DEMO_WECHAT_APPID } = outside();
  const name = `browser-${process.pid}.git`;
  const work = join(scratch(), 'native');
  const url = `${DEMO_GIT_URL}/${name}`;
  if (made.has(name)) return url;
  made.add(name);
  for (const [path, content] of Object.entries(files(DEMO_WECHAT_APPID))) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
  git('init', '-q', '-b', 'main', work);
  git('-C', work, 'add', '-A');
  git('-C', work, 'commit', '-q', '-m', 'Light the lamp at dusk');
  git('-C', work, 'branch', longBranch);
  git('clone', '-q', '--bare', work, join(DEMO_GIT_ROOT, name));
  process.once('exit', () => rmSync(join(DEMO_GIT_ROOT, name), { recursive: true, force: true }));
  return url;
}
