// What an admin does between releases: programs of private repositories, remarks, archives, what is kept.

import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { enrol, signIn, visitor } from './people.mjs';
import { state, untilOver } from './release.mjs';
import { guarded, nativeProgram, pushed, staleBranch, token, trunk } from './repos.mjs';
import { names, seeded } from './seeded.mjs';
import { outside } from './setup.mjs';
import { wrongs } from './watch.mjs';

describe('an admin', () => {
  let sampan;
  let at;
  let context;
  let page;
  const text = (selector) => page.locator(selector).innerText();
  const save = (form) => page.locator(`${form} .form-foot .btn-primary`).click();
  const inspected = async (url) => {
    await page.fill('#repo_url', url);
    await page.click('[data-inspect]');
    await page.locator('#inspection .notice').getByText('连接成功').waitFor();
  };
  /** Opens what asks for confirmation, and confirms. */
  const confirm = async (action) => {
    const asks = page.locator('details.confirm', { has: page.locator(`form[action$="${action}"]`) });
    await asks.locator('summary').click();
    await asks.locator('.btn-danger').click();
  };

  before(async () => {
    sampan = await seeded();
    at = await sampan.fillIn();
    context = await visitor(sampan.server);
    await signIn(context);
    page = await context.newPage();
  });
  after(() => context?.close());

  it('looks into a repository and gets the first proposal', async () => {
    await page.goto('/programs/new?platform=wechat');
    await page.fill('#name', '防波堤');
    await inspected(nativeProgram());
    assert.match(await text('.proposal .row-title'), /原生/);
    assert.equal(await page.inputValue('#output_dir'), '.');
    assert.equal(await page.inputValue('#build_command'), '');
    assert.equal(await page.inputValue('#name'), '防波堤');
    assert.ok((await page.locator('#refs option').evaluateAll((all) => all.map((e) => e.value))).includes('main'));
  });

  it('keeps what was typed until a proposal is used', async () => {
    await page.fill('#build_command', 'make');
    await inspected(`${outside().DEMO_GIT_URL}/harbour.git`);
    assert.equal(await page.inputValue('#build_command'), 'make');
    await page.click('.proposal .btn');
    assert.equal(await page.inputValue('#build_command'), 'npm run build:mp-weixin');
    assert.equal(await page.inputValue('#output_dir'), 'dist/build/mp-weixin');
    assert.ok(await page.locator('#build_command').evaluate((e) => e === document.activeElement));
  });

  it('saves with Enter, though the first button looks into the repository', async () => {
    await page.fill('#app_id', 'wx-mine');
    await page.press('#name', 'Enter');
    await page.locator('#app_id-error').waitFor();
    assert.equal(new URL(page.url()).pathname, '/programs');
  });

  let station;
  it('adds a program of a private repository', async () => {
    await page.goto('/programs/new?platform=wechat');
    await page.fill('#name', '引航站');
    await page.fill('#app_id', outside().DEMO_WECHAT_APPID);
    await page.fill('#repo_url', guarded());
    await page.click('[data-inspect]');
    await page.getByRole('alert').getByText('不公开').waitFor();
    const fold = page.locator('details:has(#repo_token)');
    if (!(await page.locator('#repo_token').isVisible())) await fold.locator('summary').click();
    await page.fill('#repo_token', 'not this one');
    await page.click('[data-inspect]');
    await page.getByRole('alert').getByText('凭据不对').waitFor();
    await page.fill('#repo_token', token);
    await page.click('[data-inspect]');
    await page.locator('#inspection .notice').getByText('连接成功').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0, 'no complaint is left');
    assert.equal(await page.inputValue('#default_ref'), trunk);

    await save('form[action="/programs"]');
    await page.waitForURL('**/edit#credential');
    station = new URL(page.url()).pathname.replace('/edit', '');
    assert.match(await text('section[aria-labelledby="way-in"]'), /访问令牌\s+SHA256:/);
    for (const path of [`${station}/edit`, station]) {
      await page.goto(path);
      assert.ok(!(await page.content()).includes(token), path);
    }
  });

  it('is offered a branch that was pushed a moment ago', async () => {
    const branch = 'feature/fog-horn';
    await page.goto(station);
    pushed(branch);
    const option = page.locator(`#refs option[value="${branch}"]`);
    assert.equal(await option.count(), 0);
    await page.click('#preview > summary');
    await page.focus('#preview-ref');
    await option.waitFor({ state: 'attached' });
  });

  it('takes the token away again', async () => {
    await page.goto(`${station}/edit`);
    await confirm('/repository-credential/delete');
    await page.locator('section[aria-labelledby="way-in"]').waitFor({ state: 'detached' });
    await page.click('[data-inspect]');
    await page.getByRole('alert').getByText('不公开').waitFor();
  });

  it('forgets the key of an SSH host, and frees a robot', async () => {
    const way = page.locator('section[aria-labelledby="way-in"]');
    await page.goto(`${at.pilots}/edit`);
    assert.ok((await way.innerText()).includes(outside().SAMPAN_TEST_SSH_HOST_KEY));
    await confirm('/known-host/delete');
    await page.locator('form[action$="/known-host/delete"]').waitFor({ state: 'detached' });
    assert.match(await way.innerText(), /SSH 私钥/, 'the login stays');

    const held = page.locator('.robots > .row', { hasText: staleBranch });
    await held.locator('.btn').click();
    await held.waitFor({ state: 'detached' });
    assert.ok((await page.locator('.robots > .row').count()) > 0, 'the others keep theirs');
  });

  it('finds the parameters of the last time in the form', async () => {
    await page.goto(`${at.lighthouse}#preview`);
    assert.equal(await page.inputValue('#preview-page_path'), 'pages/index/index');
    assert.equal(await page.inputValue('#preview-query'), 'lamp=on');
  });

  it('writes a remark and reads it in the history', async () => {
    await page.goto(at.preview);
    await page.fill('[name="remark"]', '给港务长看');
    await page.click('.remarks .btn');
    await page.waitForURL('**#remark');
    assert.equal(await page.inputValue('[name="remark"]'), '给港务长看');
    await page.goto(at.lighthouse);
    const row = page.locator('.release-card', { has: page.locator(`a.row-title[href="${at.preview}"]`) });
    assert.equal(await row.locator('.release-card-remark').innerText(), '给港务长看');
  });

  it('archives a program, which takes no release any more, and restores it', async () => {
    const other = await context.newPage();
    await other.goto(`${at.lighthouse}#preview`);
    await page.goto(`${at.lighthouse}/edit`);
    await confirm('/archive');
    await page.waitForURL(`**${at.lighthouse}`);
    assert.match(await text('.notice'), /已归档/);
    assert.equal(await page.locator('.act').count(), 0);
    assert.ok((await page.locator('.release-card').count()) > 1, 'its history stays');

    await other.locator('#preview .form-foot .btn-primary').click();
    await other.getByText('这个小程序已归档').waitFor();
    await other.close();

    await page.goto('/');
    assert.ok(!(await text('#live-programs')).includes(names.lighthouse));
    await page.click('main details.more > summary');
    await page.locator('.archived').getByText(names.lighthouse).click();
    await page.click('.notice a');
    await page.click('form[action$="/archive"] .btn');
    await page.waitForURL(`**${at.lighthouse}`);
    assert.equal(await page.locator('.act').count(), 2);
  });

  it('retries without the lockfile, and reads the first error of what fails then', async () => {
    await page.goto(at.stale);
    await page.click('.hint [name="without_lockfile"]');
    await page.waitForURL((url) => url.pathname !== at.stale);
    assert.equal(await untilOver(page), 'failed');
    assert.deepEqual(
      await page.locator('.stage').evaluateAll((all) => all.slice(0, 3).map((e) => e.dataset.state)),
      ['succeeded', 'succeeded', 'failed'],
    );
    assert.match(await text('#log'), /without package-lock\.json/);
    const boxes = page.locator('.hint .excerpt');
    assert.match(await boxes.first().innerText(), /第一处错误[^]*Could not resolve \.\/tide-curve/);
    assert.match(await boxes.last().innerText(), /最后的输出[^]*rollup\.js:40:/);
    assert.equal(await page.locator('[name="without_lockfile"]').count(), 0, 'there is nothing more to leave out');
    assert.equal(await state(page), 'failed');
  });

  it('clears what is kept: one, then all', async () => {
    await page.goto('/');
    await page.click('#nav a[href="/system"]');
    const rows = page.locator('.kept > .row');
    const before = await rows.count();
    assert.ok(before > 1);
    await rows.first().locator('.btn').click();
    await page.waitForFunction((n) => document.querySelectorAll('.kept > .row').length === n, before - 1);
    await page.locator('details.confirm > summary').click();
    await page.locator('.confirm-box .btn-danger').click();
    await page.locator('.empty').waitFor();
    assert.equal(await rows.count(), 0);
  });

  it('is the only one to do that', async () => {
    for (const role of ['viewer', 'publisher']) {
      const login = `keeper-${role}`;
      const other = await visitor(sampan.server);
      await enrol(other, { login, password: sampan.server.account(login, role) });
      const theirs = await other.newPage();
      await theirs.goto(at.lighthouse);
      assert.equal(await theirs.locator('a[href="/system"]').count(), 0, role);
      assert.equal((await theirs.goto('/system')).status(), 403, role);
      await theirs.getByText('没有权限').first().waitFor();
      await theirs.goto(at.upload);
      assert.equal(await theirs.locator('[name="remark"]').count(), 0, `${role} only reads the remark`);
      await theirs.getByText('Sent to the customer').waitFor();
      await other.close();
    }
  });

  it('never made the browser complain', () => {
    assert.deepEqual(wrongs(context), []);
  });
});
