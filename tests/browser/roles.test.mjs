// Every page that a role may see, as that role, in both languages, on a desktop and on a phone: no barrier, no error, no
// sideways scrolling, and nothing offered that the server would refuse.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { barriers } from './axe.mjs';
import { enrol, visitor } from './people.mjs';
import { seeded } from './seeded.mjs';
import { shot } from './shots.mjs';
import { wrongs } from './watch.mjs';

/** What a page must not offer to a role. */
const FORBIDDEN = {
  viewer: ['form[action$="/releases"]', 'form[action$="/cancel"]', 'form[action$="/retry"]', 'form[action$="/delete"]', 'a[href$="/edit"]', 'a[href="/programs/new"]', 'a[href="/users"]', 'a[href="/system"]'],
  publisher: ['form[action$="/delete"]', 'a[href$="/edit"]', 'a[href="/programs/new"]', 'a[href="/users"]', 'a[href="/system"]'],
  admin: [],
};

describe('roles', () => {
  let sampan;
  let at;
  const contexts = [];
  before(async () => {
    sampan = await seeded();
    at = await sampan.fillIn();
  });
  after(async () => {
    for (const context of contexts) await context.close();
  });

  for (const role of ['viewer', 'publisher', 'admin']) {
    for (const [lang, phone] of [['zh-CN', true], ['en', false]]) {
      it(`${role}, ${lang}, ${phone ? 'phone' : 'desktop'}`, async () => {
        const context = await visitor(sampan.server, { lang, phone });
        contexts.push(context);
        const login = `looks-${role}-${phone ? 'phone' : 'desk'}`;
        await enrol(context, { login, password: sampan.server.account(login, role) });
        const page = await context.newPage();
        const pages = { home: '/', program: at.lighthouse, failed: at.failed, running: at.running, preview: at.preview, sizes: `${at.lighthouse}/sizes`, compare: `${at.lighthouse}/compare`, updates: at.catalogue, update: at.update, me: '/me' };
        if (role === 'admin') Object.assign(pages, { users: '/users', tasks: '/tasks', robots: '/robots', audit: '/audit', system: '/system', edit: `${at.lighthouse}/edit` });
        const found = [];
        for (const [name, path] of Object.entries(pages)) {
          const answer = await page.goto(path);
          if (answer.status() !== 200) found.push(`${name}: ${answer.status()}`);
          found.push(...(await barriers(page)).map((text) => `${name}: ${text}`));
          if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push(`${name}: scrolls sideways`);
          for (const selector of FORBIDDEN[role]) if (await page.locator(`main ${selector}, nav ${selector}`).count()) found.push(`${name}: offers ${selector}`);
          await shot(page, `role-${role}-${name}-${lang.slice(0, 2)}`);
        }
        found.push(...wrongs(context).filter((text) => !text.includes('ERR_NETWORK_CHANGED')));
        assert.deepEqual(found, []);
      });
    }
  }
});
