// Without JavaScript the pages stand still, but everything can be done.

import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { visitor } from './people.mjs';
import { state } from './release.mjs';
import { seeded } from './seeded.mjs';
import { password } from './setup.mjs';

describe('without JavaScript', () => {
  let sampan;
  let at;
  let context;
  let page;

  before(async () => {
    sampan = await seeded();
    at = await sampan.fillIn();
    context = await visitor(sampan.server, { javaScriptEnabled: false });
    page = await context.newPage();
  });
  after(() => context?.close());

  it('signs in', async () => {
    await page.goto(at.lighthouse);
    await page.fill('#login', 'admin');
    await page.fill('#password', password);
    await page.click('main .btn-primary');
    await page.waitForURL(`**${at.lighthouse}`);
  });

  it('publishes a preview, once even with a double click', async () => {
    const before = await page.locator('.history > .row').count();
    await page.click('#preview > summary');
    await page.locator('#preview .form-foot .btn-primary').dblclick();
    await page.waitForURL('**/releases/*');
    const release = page.url();
    await page.goto(at.lighthouse);
    assert.equal(await page.locator('.history > .row').count(), before + 1);
    await page.goto(release);
  });

  it('reads log and result after reloads', async () => {
    for (let i = 0; i < 60 && ['queued', 'running'].includes(await state(page)); i++) {
      await sleep(500);
      await page.reload();
    }
    assert.equal(await state(page), 'succeeded');
    assert.match(await page.locator('#log .line').first().innerText(), /browser-\d+\.git @ main/);
    assert.ok(await page.locator('.qr img').isVisible());
    assert.equal(await page.locator('#log-find').isVisible(), false, 'no button without a function');
  });

  it('changes language and theme', async () => {
    await page.click('.top .prefs [name="lang"]');
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await page.click('.top .prefs [name="theme"]');
    assert.equal(await page.getAttribute('html', 'data-theme'), 'light');
  });
});
