// Without JavaScript the pages stand still, but everything can be done.

import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { visitor } from './people.mjs';
import { state } from './release.mjs';
import { guarded, token } from './repos.mjs';
import { seeded } from './seeded.mjs';
import { outside, password } from './setup.mjs';

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
    const before = await page.locator('.release-card').count();
    await page.click('#preview > summary');
    await page.locator('#preview .form-foot .btn-primary').dblclick();
    await page.waitForURL('**/releases/*');
    const release = page.url();
    await page.goto(at.lighthouse);
    assert.equal(await page.locator('.release-card').count(), before + 1);
    await page.goto(release);
  });

  it('reads log and result after reloads', async () => {
    for (let i = 0; i < 60 && ['queued', 'running'].includes(await state(page)); i++) {
      await sleep(500);
      await page.reload();
    }
    assert.equal(await state(page), 'succeeded');
    assert.match(await page.locator('#log .line').first().innerText(), /browser-\d+-native\.git @ main/);
    assert.ok(await page.locator('.qr img').isVisible());
    assert.equal(await page.locator('#log-find').isVisible(), false, 'no button without a function');
  });

  it('looks into a private repository, and is asked for its token at the field', async () => {
    await page.goto('/programs/new?platform=wechat');
    const typed = { name: '雾号 Fog horn', app_id: outside().DEMO_WECHAT_APPID, repo_url: guarded() };
    for (const [name, value] of Object.entries(typed)) await page.fill(`#${name}`, value);
    await page.click('[data-inspect]');
    await page.waitForURL('**/programs/inspect#repository');
    assert.match(await page.locator('#repo_token-error').innerText(), /令牌/);
    assert.ok(await page.locator('#repo_token').isVisible(), 'unfolded');
    for (const [name, value] of Object.entries(typed)) assert.equal(await page.inputValue(`#${name}`), value, name);

    await page.fill('#repo_token', token);
    await page.click('[data-inspect]');
    await page.locator('#inspection .notice').getByText('连接成功').waitFor();
    assert.equal(await page.inputValue('#output_dir'), '.', 'a new program takes the first proposal');
    assert.equal(await page.inputValue('#build_command'), '');
    assert.ok(!(await page.content()).includes(token));
    assert.match(await page.locator('.field:has(> #repo_token) .field-error').innerText(), /再填一次/);

    await page.fill('#repo_token', token);
    await page.locator('form[action="/programs"] .form-foot .btn-primary').click();
    await page.waitForURL('**/edit#credential');
    assert.match(await page.locator('section[aria-labelledby="way-in"]').innerText(), /访问令牌/);
    assert.ok(!(await page.content()).includes(token));
  });

  it('looks into the repository of a program, which keeps its settings until a proposal is used', async () => {
    await page.goto(`${at.ferries}/edit`);
    const settings = async () => [await page.inputValue('#root_dir'), await page.inputValue('#output_dir')];
    await page.click('[data-inspect]');
    await page.locator('.proposal').waitFor();
    assert.deepEqual(await settings(), ['', 'src']);
    await page.click('.proposal .btn');
    await page.waitForFunction(() => document.getElementById('root_dir').value === 'src');
    assert.deepEqual(await settings(), ['src', '.']);
  });

  it('changes language and theme', async () => {
    await page.goto(at.lighthouse);
    await page.click('.top .prefs [name="lang"]');
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await page.click('.top .prefs [name="theme"]');
    assert.equal(await page.getAttribute('html', 'data-theme'), 'light');
  });
});
