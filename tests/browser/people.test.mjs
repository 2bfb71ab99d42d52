// From an admin who adds somebody to a release of theirs in the audit log, in both languages.

import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { barriers } from './axe.mjs';
import { signIn, visitor } from './people.mjs';
import { untilOver } from './release.mjs';
import { seeded } from './seeded.mjs';
import { shot } from './shots.mjs';
import { wrongs } from './watch.mjs';

for (const lang of ['zh-CN', 'en']) {
  describe(`somebody new, in ${lang}`, () => {
    const login = `mei-${lang.slice(0, 2)}`;
    let sampan;
    let at;
    let boss;
    let admin;
    let theirs;
    let page;
    let given;

    before(async () => {
      sampan = await seeded();
      at = await sampan.fillIn();
      boss = await visitor(sampan.server, { lang });
      await signIn(boss);
      admin = await boss.newPage();
      theirs = await visitor(sampan.server, { lang, phone: true });
      page = await theirs.newPage();
    });
    after(async () => {
      await boss?.close();
      await theirs?.close();
    });

    it('is added by an admin, who sees the password once', async () => {
      await admin.goto('/users');
      await admin.click('a[href="/users/new"]');
      await admin.fill('#login', login);
      await admin.fill('#name', 'Mei');
      await admin.check('input[name="role"][value="publisher"]', { force: true });
      await admin.click('form[action="/users"] .btn-primary');
      given = (await admin.locator('.secret').innerText()).split(' / ')[1];
      assert.ok(given.length >= 12, given);
      await admin.goto(admin.url().includes('/users/') ? admin.url() : '/users');
      assert.equal(await admin.getByText(given).count(), 0, 'never again');
    });

    it('chooses a password of their own before anything else', async () => {
      await page.goto(at.lighthouse);
      await page.fill('#login', login);
      await page.fill('#password', given);
      await page.click('form[action="/sign-in"] button');
      await page.waitForURL('**/me/password');
      await shot(page, `first-password-${lang.slice(0, 2)}-375`);
      assert.deepEqual(await barriers(page), []);
      await page.goto('/');
      assert.match(page.url(), /\/me\/password$/);
      await page.fill('#current', given);
      await page.fill('#password', 'a password of my own');
      await page.click('form[action="/me/password"] .btn-primary');
      await page.goto('/');
      assert.equal(new URL(page.url()).pathname, '/');
    });

    it('publishes, and is in the audit log', async () => {
      await page.goto(at.lighthouse);
      await page.click('#preview > summary');
      await page.click('#preview .form-foot .btn-primary');
      await page.waitForURL('**/releases/*');
      assert.equal(await untilOver(page, 120_000), 'succeeded');
      const id = page.url().split('/').at(-1);
      await admin.goto(`/audit?user=${login}`);
      const rows = admin.locator('.audit tbody tr');
      assert.ok((await rows.count()) >= 2, 'signing in, the password, the release');
      assert.equal(await admin.locator('.audit tbody tr', { hasText: login }).count(), await rows.count());
      const csv = await (await boss.request.get(`/audit/export.csv?user=${login}`)).text();
      assert.ok(csv.includes('"release.request"') && csv.includes(id), csv);
      assert.ok(!csv.includes(given));
      await admin.goto('/tasks');
      await admin.locator(`a[href="/releases/${id}"]`).first().waitFor();
    });

    it('is shown out while their page is open', async () => {
      await page.goto('/');
      await admin.goto(`/users?q=${login}`);
      await admin.click('.table a.btn');
      await admin.click('button[name="disabled"]');
      for (const until = Date.now() + 15_000; Date.now() < until;) {
        await page.goto('/');
        if (page.url().includes('/sign-in')) break;
      }
      assert.match(page.url(), /\/sign-in/);
      await page.fill('#login', login);
      await page.fill('#password', 'a password of my own');
      await page.click('form[action="/sign-in"] button');
      await page.getByRole('alert').waitFor();
    });

    it('never made the browser complain', () => {
      assert.deepEqual([...wrongs(boss), ...wrongs(theirs)], []);
    });
  });
}
