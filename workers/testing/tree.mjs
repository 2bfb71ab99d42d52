// Makes little projects for tests in a directory that goes away with the test.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export function scratchDir(t) {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'sampan-test-')));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Writes {path: text, Buffer or object (as JSON)}; null leaves a file of the defaults out. */
export function writeTree(root, files) {
  for (const [path, content] of Object.entries(files)) {
    if (content === null) continue;
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    const plain = typeof content === 'string' || Buffer.isBuffer(content);
    writeFileSync(file, plain ? content : JSON.stringify(content));
  }
  return root;
}

export const miniProgram = (changes = {}) => ({
  'app.json': { pages: ['pages/index/index'], sitemapLocation: 'sitemap.json' },
  'sitemap.json': { rules: [{ action: 'allow', page: '*' }] },
  'app.js': 'App({})',
  'pages/index/index.js': 'Page({})',
  'pages/index/index.json': {},
  'pages/index/index.wxml': '<view class="a">ok</view>',
  'pages/index/index.wxss': '.a { color: red }',
  ...changes,
});
