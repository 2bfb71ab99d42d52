// Every page, in both languages, on a desk and on a phone, in both themes: fits, reads, and breaks no rule.

import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { barriers } from './axe.mjs';
import { visitor } from './people.mjs';
import { scan } from './qr.mjs';
import { changelogs, names, remark, seeded } from './seeded.mjs';
import { outside } from './setup.mjs';
import { shot } from './shots.mjs';
import { wrongs } from './watch.mjs';

const LANGS = ['zh-CN', 'en'];
const WIDTHS = [1280, 375];
const KEY = /\b(users|audit|tasks|robots|members|sign_up|api_docs|status|stage|action|environment|role|theme|nav|frame|sign_in|start|home|group|form|program|publish|inspect|release|receipt|package|system|me|error_page|errors|failure_titles|failures)\.(?!json\b)[a-z_]+/;
// The first owner's name is data too.
const DATA = [...Object.values(names), ...changelogs, remark, '管理员', '灯每分钟转两圈'];

/** What a reader meets: text, and what screen readers and the mouse are told. The log is the build's own. */
const words = () => {
  const told = ['aria-label', 'title', 'alt', 'placeholder'].flatMap((name) =>
    [...document.querySelectorAll(`[${name}]`)].filter((e) => !e.closest('[lang]:not(html)')).map((e) => e.getAttribute(name)));
  const shown = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!e.closest('.log, script, style, [lang]:not(html)')) shown.push(walk.currentNode.data);
  }
  return [document.title, ...shown, ...told].map((text) => text.trim()).filter(Boolean);
};

/** Opens all that is folded. */
const unfold = (page) => page.locator('main details:not(.menu, .act)').evaluateAll((all) => all.forEach((e) => { e.open = true; }));

async function problems(page, { lang, width }) {
  const found = [];
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) found.push(`scrolls sideways: ${wide} px`);
  const tag = await page.getAttribute('html', 'lang');
  if (tag !== lang) found.push(`lang="${tag}"`);
  for (const text of await page.evaluate(words)) {
    if (KEY.test(text)) found.push(`untranslated: ${text}`);
    const own = DATA.reduce((rest, name) => rest.replaceAll(name, ''), text);
    if (lang === 'en' && /[\u4e00-\u9fff]/.test(own)) found.push(`Chinese on an English page: ${text}`);
  }
  found.push(...(await barriers(page)));
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  found.push(...(await barriers(page, ['color-contrast'])).map((text) => `dark: ${text}`));
  return found;
}

describe('looks', () => {
  let sampan;
  const contexts = new Map();
  const who = async (lang, width, signedIn) => {
    const key = `${lang} ${width} ${signedIn}`;
    if (!contexts.has(key)) {
      const context = await visitor(sampan.server, { lang, width, phone: width === 375 });
      if (signedIn) await context.addCookies(sampan.cookies.map(({ name, value }) => ({ name, value, url: sampan.server.url })));
      contexts.set(key, context);
    }
    return contexts.get(key);
  };

  before(async () => {
    sampan = await seeded();
  });
  after(async () => {
    for (const context of contexts.values()) await context.close();
  });

  /** Everything about one page; `prepare(page)` brings it into the state to look at, `more(page)` names further problems. */
  async function look(name, path, { signedIn = true, widths = WIDTHS, prepare, more } = {}) {
    const one = async (lang, width, again = true) => {
      const context = await who(lang, width, signedIn);
      const page = await context.newPage();
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await page.goto(path);
      await prepare?.(page);
      const picture = `${name}-${lang.slice(0, 2)}-${width}`;
      await shot(page, picture);
      const found = [...(await problems(page, { lang, width })), ...((await more?.(page)) ?? [])];
      await shot(page, `${picture}-dark`);
      await page.close();
      const wrong = [...found, ...wrongs(context)];
      // A container that starts changes the machine's networks, and Chromium drops what it was loading.
      if (again && wrong.some((text) => text.includes('ERR_NETWORK_CHANGED'))) return one(lang, width, false);
      return wrong.map((text) => `${lang} ${width}: ${text}`);
    };
    const all = await Promise.all(LANGS.flatMap((lang) => widths.map((width) => one(lang, width))));
    assert.equal(all.flat().join('\n'), '');
  }

  const switchesOnTop = async (page) => {
    const { y, height } = await page.locator('.plain-top').boundingBox();
    return y + height > 160 ? [`language and theme take the page's upper ${Math.round(y + height)} px`] : [];
  };

  it('sign-in', () => look('sign-in', '/sign-in', { signedIn: false, more: switchesOnTop }));
  it('sign-in, refused', () => look('sign-in-refused', '/sign-in', {
    signedIn: false,
    prepare: async (page) => {
      await page.fill('#login', 'nobody');
      await page.fill('#password', 'nothing at all');
      await page.click('main .btn-primary');
      await page.getByRole('alert').waitFor();
    },
  }));
  it('signing up', () => look('sign-up', '/sign-up', { signedIn: false, more: switchesOnTop }));
  it('the description of the API', () => look('api-docs', '/api/docs', { signedIn: false, prepare: unfold }));
  it('a missing page', () => look('404', '/no/such/page'));
  it('the empty home page', () => look('home-empty', '/'));
  it('a new group', () => look('group-new', '/groups/new'));
  it('me', () => look('me', '/me'));
  it('people', () => look('users', '/users'));
  it('a new person', () => look('user-new', '/users/new'));
  it('a new person, with mistakes', () => look('user-mistake', '/users/new', {
    prepare: async (page) => {
      for (const [field, value] of Object.entries({ login: 'a b', name: ' ' })) await page.fill(`#${field}`, value);
      await page.click('form[action="/users"] .btn-primary');
      await page.locator('.field-error').first().waitFor();
    },
  }));
  it('a system that keeps nothing yet', () => look('system-empty', '/system'));

  describe('on a working day', () => {
    let at;
    before(async () => {
      at = await sampan.fillIn();
    });

    it('home', () => look('home', '/', { prepare: unfold }));
    for (const [name, path] of [['home', () => '/'], ['program', () => at.lighthouse], ['release', () => at.failed]]) {
      it(`${name} on a wide screen`, () => look(`${name}-wide`, path(), { widths: [1920] }));
    }
    it('a group', () => look('group-edit', `${at.group}/edit`));
    it('a new program', () => look('program-new', '/programs/new?platform=wechat', { prepare: unfold }));
    it('the choice of a platform', () => look('program-choose', '/programs/new'));
    for (const platform of ['alipay', 'bytedance', 'uniapp']) {
      it(`a new program for ${platform}`, () => look(`program-new-${platform}`, `/programs/new?platform=${platform}`));
    }
    it('a new program after a look into its repository', () => look('program-inspected', '/programs/new?platform=wechat', {
      prepare: async (page) => {
        await page.fill('#repo_url', `${outside().DEMO_GIT_URL}/harbour.git`);
        await page.click('[data-inspect]');
        await page.locator('.proposal').waitFor();
      },
    }));
    it('a new program with a mistake', () => look('program-mistake', '/programs/new?platform=wechat', {
      prepare: async (page) => {
        for (const [field, value] of Object.entries({ name: 'x', app_id: 'wrong', repo_url: 'file:///etc', default_ref: '-x' })) await page.fill(`#${field}`, value);
        await page.click('form[action="/programs"] .btn-primary');
        await page.locator('.field-error').first().waitFor();
      },
    }));
    it('a program with key, login, host key and robots', () => look('program-edit', `${at.pilots}/edit`, { prepare: unfold }));
    it('a program', () => look('program', at.lighthouse));
    it('a package, file by file', () => look('sizes', `${at.lighthouse}/sizes`));
    it('sizes of nothing', () => look('sizes-none', `${at.fresh}/sizes`));
    it('two releases compared', () => look('compare', `${at.lighthouse}/compare`));
    it('nothing to compare', () => look('compare-none', `${at.fresh}/compare`));
    it('a program without a key', () => look('program-fresh', at.fresh));
    it('an archived program', () => look('program-archived', at.retired));
    for (const action of ['preview', 'upload']) {
      it(`the form of ${action}`, () => look(`publish-${action}`, `${at.lighthouse}#${action}`));
    }
    it('a waiting release', () => look('release-queued', at.queued));
    it('a running release', () => look('release-running', at.running));
    it('a failed release', () => look('release-failed', at.failed));
    it('a release that its lockfile stopped', () => look('release-lockfile', at.stale));
    it('a preview', () => look('release-preview', at.preview, {
      prepare: (page) => page.waitForFunction(() => document.querySelector('.qr img').naturalWidth > 0),
      more: async (page) => ((await scan(page.locator('.qr img'))) ? [] : ['the QR code does not scan']),
    }));
    it('an upload with a remark', () => look('release-upload', at.upload));
    it('the programs that have updates', () => look('updates', '/updates'));
    it('a catalogue', () => look('updates-catalogue', `${at.catalogue}?os=android&native=100&wgt=100`));
    it('a catalogue without anything', () => look('updates-empty', `${at.catalogue}?os=harmony`));
    it('an update', () => look('update', at.update, {
      more: async (page) => ((await scan(page.locator('.download-qr .qr-image')))?.endsWith('.wgt') ? [] : ['the download code does not scan']),
    }));
    it('a native build', () => look('update-native', at.native));
    it('an update by hand', () => look('update-new', `${at.catalogue}/new?kind=wgt-android`));
    it('an update by hand, with mistakes', () => look('update-mistake', `${at.catalogue}/new?kind=ios`, {
      prepare: async (page) => {
        for (const [field, value] of Object.entries({ version: 'one', version_code: '0', link: 'javascript:1', channel: 'No' })) await page.fill(`#${field}`, value);
        await page.click('[data-upload] .btn-primary');
        await page.locator('.field-error').first().waitFor();
      },
    }));
    it('the form of a hot update', () => look('publish-update', `${at.app}#publish`));
    it('a program of another platform', () => look('program-alipay', `${at.alipay}#upload`));
    it('everybody\'s releases', () => look('tasks', '/tasks'));
    it('the audit log', () => look('audit', '/audit'));
    it('uploader slots', () => look('robots', '/robots'));
    it('what a system keeps', () => look('system', '/system', { prepare: unfold }));

    it('the drawer of a phone', async () => {
      const page = await (await who('zh-CN', 375, true)).newPage();
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.goto('/');
      assert.equal(await page.locator('#nav').isVisible(), false);
      await page.tap('.menu-open');
      await page.locator('#nav').getByText(names.tides).waitFor();
      assert.ok(await page.locator('.nav-close').evaluate((e) => e === document.activeElement), 'focus goes in');
      await shot(page, 'drawer-zh-375');
      assert.deepEqual(await barriers(page), []);
      await page.keyboard.press('Escape');
      await page.locator('#nav').waitFor({ state: 'hidden' });
      assert.ok(await page.locator('.menu-open').evaluate((e) => e === document.activeElement), 'and back');
      await page.close();
    });
  });
});
