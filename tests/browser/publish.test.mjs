// The first day of a new owner: from the sign-in page to a preview that scans, an upload, a failure, a cancel, a retry.

import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { visitor, zone } from './people.mjs';
import { scan } from './qr.mjs';
import { record, samples, state, untilOver } from './release.mjs';
import { nativeProgram } from './repos.mjs';
import { outside, password, scratch, serve } from './setup.mjs';
import { shot } from './shots.mjs';
import { wrongs } from './watch.mjs';

const INSTALLING = 150_000; // npm ci and vite on a busy machine

describe('a new owner', () => {
  let server;
  let context;
  let page;
  let colleague; // has the home page open all the time
  let harbour; // paths of pages
  let lighthouse;
  const text = (selector) => page.locator(selector).innerText();
  const submit = (form) => page.locator(`${form} .form-foot .btn-primary`).click();

  before(async () => {
    server = await serve('publish');
    context = await visitor(server);
    page = await context.newPage();
  });
  after(async () => {
    await colleague?.context().close();
    await context?.close();
    await server?.stop();
  });

  async function fillProgram(values) {
    for (const [name, value] of Object.entries(values)) await page.fill(`#${name}`, value);
  }

  async function editProgram(path, values) {
    await page.goto(`${path}/edit`);
    await fillProgram(values);
    await submit('form[action$="/edit"]');
    await page.waitForURL(`**${path}`);
  }

  /** Opens the program's form and sends it; ends on the release's page. */
  async function publish(path, action) {
    await page.goto(path);
    await page.click(`#${action} > summary`);
    await submit(`#${action}`);
    await page.waitForURL('**/releases/*');
  }

  it('signs in, at the second attempt', async () => {
    await page.goto('/programs/new');
    assert.match(page.url(), /\/sign-in\?next=/);
    await page.fill('#login', 'admin');
    await page.fill('#password', 'not this one');
    await page.click('main .btn-primary');
    await page.getByRole('alert').getByText('用户名或密码不对').waitFor();
    assert.equal(await page.inputValue('#login'), 'admin');
    assert.equal(await page.inputValue('#password'), '');
    await page.fill('#password', password);
    await page.click('main .btn-primary');
    // Where they were going; without a group that is the group's form.
    await page.waitForURL('**/groups/new');
  });

  it('finds four steps on the empty home page', async () => {
    await page.goto('/');
    const steps = page.locator('.step');
    assert.deepEqual(await steps.evaluateAll((all) => all.map((e) => e.dataset.step)), ['next', 'later', 'later', 'later']);
    assert.equal(await page.locator('.steps .btn-primary').count(), 1);
  });

  it('makes a group', async () => {
    await page.click('.steps .btn-primary');
    await page.fill('#name', '港务组');
    await submit('form[action="/groups"]');
    await page.waitForURL('**/programs/new?group=*');
    assert.match(await text('.nav-groups'), /港务组/);
  });

  it('adds a program; a wrong app id loses nothing that was typed', async () => {
    const { DEMO_GIT_URL, DEMO_WECHAT_APPID } = outside();
    await page.goto('/');
    assert.deepEqual(await page.locator('.step').evaluateAll((all) => all.map((e) => e.dataset.step)), ['done', 'next', 'later', 'later']);
    await page.click('.steps .btn-primary');
    await page.locator('.row-title', { hasText: '微信' }).click();
    await page.waitForURL('**/programs/new?platform=wechat*');
    const typed = { name: '港口告示牌', repo_url: `${DEMO_GIT_URL}/harbour.git`, root_dir: '', dev_build_command: 'npm run build:mp-weixin:dev' };
    await fillProgram({ ...typed, app_id: 'wx-mine' });
    await submit('form[action="/programs"]');

    await page.locator('#app_id-error').waitFor();
    assert.match(await text('#app_id-error'), /AppID/);
    const field = page.locator('#app_id');
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    assert.equal(await field.getAttribute('aria-describedby'), 'app_id-error');
    assert.equal(await field.inputValue(), 'wx-mine');
    for (const [name, value] of Object.entries(typed)) assert.equal(await page.inputValue(`#${name}`), value, name);
    assert.equal(await page.locator('#group option:checked').innerText(), '港务组');

    await page.fill('#app_id', DEMO_WECHAT_APPID);
    await submit('form[action="/programs"]');
    await page.waitForURL('**/programs/*/edit#credential');
    harbour = new URL(page.url()).pathname.replace('/edit', '');
  });

  it('cannot publish without a key, and is told so', async () => {
    await page.goto(harbour);
    assert.match(await text('.notice'), /上传密钥/);
    await page.click('#preview > summary');
    assert.ok(await page.locator('#preview .form-foot .btn-primary').isDisabled());
  });

  it('is told that a public key is not the private one, then gives that as a file', async () => {
    const { DEMO_WECHAT_KEY } = outside();
    const publicKey = join(scratch(), 'public.key');
    writeFileSync(publicKey, createPublicKey(readFileSync(DEMO_WECHAT_KEY)).export({ type: 'spki', format: 'pem' }));
    await page.click('.notice a');
    await page.setInputFiles('#private_key_file', publicKey);
    await submit('form[action$="/credential"]');
    await page.locator('#private_key-error').waitFor();
    assert.match(await text('#private_key-error'), /公钥/);
    assert.ok(await page.locator('#private_key-error').isVisible());

    await page.setInputFiles('#private_key_file', DEMO_WECHAT_KEY);
    await submit('form[action$="/credential"]');
    await page.waitForURL(`**${harbour}`);
    assert.match(await text('main .facts'), /已配置\s+\S{8,}/);
    assert.ok(!(await page.content()).includes('PRIVATE KEY'));
  });

  it('publishes once with a double click', async () => {
    const other = await visitor(server);
    await other.addCookies(await context.cookies());
    colleague = await other.newPage();
    await colleague.goto('/');
    await colleague.evaluate(() => { window.opened = 'before'; });

    await page.goto('/');
    await page.click('.steps .btn-primary');
    await page.waitForURL(`**${harbour}#preview`);
    assert.ok(await page.locator('#preview').evaluate((e) => e.open), 'the form is open');
    await page.fill('#preview-page_path', 'pages/ferries/ferries');
    await page.fill('#preview-query', 'pier=4&from=qr');
    await page.locator('#preview .form-foot .btn-primary').dblclick();
    await page.waitForURL('**/releases/*');
    await record(page);
    const again = await context.newPage();
    await again.goto(harbour);
    assert.equal(await again.locator('.release-card').count(), 1);
    await again.close();
  });

  it('sees it on a page that was open before anything had been published', async () => {
    await colleague.locator('#live-running .run').waitFor();
    assert.match(await colleague.locator('#live-running').innerText(), /港口告示牌/);
    assert.equal(await colleague.evaluate(() => window.opened), 'before', 'without a reload');
  });

  it('sees lines, stages and the result arrive without a reload', async (t) => {
    const ended = await untilOver(page, INSTALLING);
    assert.equal(ended, 'succeeded', await text('#release-head'));
    t.diagnostic((await text('#release-head')).replace(/\s+/g, ' '));
    const seen = await samples(page);
    assert.ok(seen.length > 0, 'the same document from start to end');
    const running = seen.filter((s) => s.state === 'running');
    const counts = new Set(running.map((s) => s.lines));
    assert.ok(counts.size > 3 && Math.max(...counts) > 10, `lines while running: ${[...counts]}`);
    const stages = new Set(running.map((s) => s.stage));
    for (const stage of ['1', '2', '4']) assert.ok(stages.has(stage), `stage ${stage} was seen running: ${[...stages]}`);
    assert.deepEqual(await page.locator('.stage').evaluateAll((all) => all.map((e) => e.dataset.state)), Array(5).fill('succeeded'));
    assert.match(await page.title(), /✓/);
    const numbers = await page.locator('#log .line > .n').allInnerTexts();
    assert.deepEqual(numbers.map(Number), numbers.map((_, i) => Number(numbers[0]) + i), 'no line is missing or doubled');
  });

  it('is told nothing else by the navigation', async () => {
    await page.locator('.nav-item .dot[data-state="succeeded"]').waitFor();
    assert.equal(await page.locator('.running-count').count(), 0, 'nothing is counted as running');
  });

  it('gets a QR code that scans, a receipt and sizes', async () => {
    const image = page.locator('.qr img');
    await image.waitFor();
    await page.waitForFunction(() => document.querySelector('.qr img').naturalWidth > 0);
    await image.scrollIntoViewIfNeeded();
    const code = await scan(image);
    assert.match(code ?? 'nothing', /local stand-in, not WeChat/);
    assert.match(code, /pages\/ferries\/ferries\?pier=4&from=qr/);
    const more = await text('#release-more');
    assert.match(more, /回执/);
    assert.match(more, /\d+(\.\d+)? KB/);
    assert.match(more, /pier=4&from=qr/);
    assert.equal(await page.locator('.qr[data-expired]').count(), 0);
    await shot(page, 'real-release-zh-1280');
  });

  it('sees what the package is made of', async () => {
    const other = await context.newPage();
    await other.goto(harbour);
    await other.click('a[href$="/sizes"]');
    await other.waitForURL('**/sizes');
    assert.equal(await other.locator('.trend-bar').count(), 1);
    assert.ok((await other.locator('.treemap-tile').count()) > 8, 'its files');
    const rows = await other.locator('.table tbody tr').allInnerTexts();
    assert.ok(rows.some((row) => /common\/vendor\.js/.test(row) && /KB/.test(row)), rows.join('\n'));
    await shot(other, 'real-sizes-zh-1280');
    await other.close();
  });

  it('and so do all who had the home page open', async () => {
    await colleague.locator('#live-programs .last .dot[data-state="succeeded"]').waitFor();
    assert.equal(await colleague.locator('#live-running .run').count(), 0);
    await colleague.hover('.qr-peek > summary');
    assert.match((await scan(colleague.locator('.qr-pop img'))) ?? 'nothing', /stand-in/);
    assert.equal(await colleague.evaluate(() => window.opened), 'before', 'without a reload');
    assert.deepEqual(wrongs(colleague.context()), []);
  });

  let clocks;
  it('reads the same page after a reload', async () => {
    const lines = await page.locator('#log .line > .text').allInnerTexts();
    clocks = await page.locator('.stage-mark > time').allInnerTexts();
    await page.reload();
    assert.equal(await state(page), 'succeeded');
    assert.deepEqual(await page.locator('#log .line > .text').allInnerTexts(), lines);
    assert.ok(await scan(page.locator('.qr img')));
  });

  it('reads times of its own zone, live and after a reload', async () => {
    const marks = page.locator('.stage-mark > time');
    const local = (at) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(at));
    const right = (await marks.evaluateAll((all) => all.map((e) => e.dateTime))).map(local);
    // The first mark may have come with the page.
    assert.deepEqual(clocks.slice(1), right.slice(1), 'live');
    assert.deepEqual(await marks.allInnerTexts(), right, 'after a reload');
  });

  it('finds a word in the log', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('harbour.git');
    await page.keyboard.press('Enter');
    await page.locator('.line.hit.at', { hasText: 'harbour.git' }).waitFor();
    assert.match(await text('#log-hits'), /1 \/ \d/);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.line.hit').count(), 0);
  });

  it('adds a native program that takes seconds', async () => {
    const { DEMO_WECHAT_APPID, DEMO_WECHAT_KEY } = outside();
    await page.goto('/programs/new?platform=wechat');
    await fillProgram({ name: '灯塔', app_id: DEMO_WECHAT_APPID, repo_url: nativeProgram(), build_command: '', dev_build_command: '', output_dir: '.' });
    await submit('form[action="/programs"]');
    await page.waitForURL('**/edit#credential');
    lighthouse = new URL(page.url()).pathname.replace('/edit', '');
    await page.fill('#private_key', readFileSync(DEMO_WECHAT_KEY, 'utf8'));
    await submit('form[action$="/credential"]');
    await page.waitForURL(`**${lighthouse}`);
  });

  it('uploads the proposed version and learns what to do with it', async () => {
    const today = () => new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Shanghai', year: '2-digit', month: '2-digit', day: '2-digit' }).format().replaceAll('-', '.');
    const days = [today()];
    await page.goto(lighthouse);
    await page.click('#upload > summary');
    days.push(today()); // midnight may pass in between
    const version = await page.inputValue('#upload-version');
    assert.ok(days.some((day) => version === `${day}.1`), `${version} on ${days}`);
    await page.fill('#upload-description', '点亮灯塔');
    await submit('#upload');
    await page.waitForURL('**/releases/*');
    assert.equal(await untilOver(page), 'succeeded');
    const head = await text('#release-head');
    assert.ok(head.includes(version), head);
    assert.match(head, /体验版/);
    assert.equal(await page.locator('.qr').count(), 0);
    assert.match(await text('#release-more'), /点亮灯塔/);
    await page.goto(lighthouse);
    await page.click('#upload > summary');
    assert.match(await page.inputValue('#upload-version'), /\.2$/);
  });

  let failed;
  it('reads first why a release failed', async () => {
    await editProgram(lighthouse, { build_command: `node -e "console.log('line before'); process.exit(3)"` });
    await publish(lighthouse, 'preview');
    failed = page.url();
    assert.equal(await untilOver(page), 'failed');
    const hint = page.locator('.hint');
    assert.match(await hint.locator('h2').innerText(), /编译失败/);
    assert.match(await hint.locator('.hint-do').innerText(), /状态 3/);
    assert.match(await hint.locator('.excerpt').last().innerText(), /line before/);
    const top = (selector) => page.locator(selector).first().evaluate((e) => e.getBoundingClientRect().top);
    assert.ok((await top('.hint h2')) < (await top('.hint .excerpt')) && (await top('.hint .excerpt')) < (await top('#log')));
    assert.equal(await page.locator('.stage[data-state="failed"]').count(), 1);
    assert.match(await text('#log'), /line before/);
    assert.match(await page.title(), /✕/);
  });

  it('cancels one that runs', async () => {
    await editProgram(lighthouse, { build_command: 'echo waiting for the tide; sleep 300' });
    await publish(lighthouse, 'preview');
    await page.locator('.line', { hasText: /^\d+\s*waiting for the tide/ }).waitFor({ timeout: 60_000 });
    assert.equal(await state(page), 'running');
    await page.click('form[action$="/cancel"] .btn');
    assert.equal(await untilOver(page), 'canceled');
    assert.equal(await page.locator('form[action$="/cancel"]').count(), 0);
    assert.equal(await page.locator('.hint').count(), 0, 'a cancel is no failure');
  });

  it('retries the failed one after mending it', async () => {
    await editProgram(lighthouse, { build_command: '' });
    await page.goto(failed);
    await page.click('form[action$="/retry"] .btn-primary');
    await page.waitForURL((url) => url.href !== failed);
    assert.equal(await untilOver(page), 'succeeded');
    const old = page.locator(`#release-head .facts a[href="${new URL(failed).pathname}"]`);
    assert.equal(await old.count(), 1, 'the new one names the old one');
    await page.goto(lighthouse);
    assert.deepEqual(
      await page.locator('.release-card .dot').evaluateAll((all) => all.map((e) => e.dataset.state)),
      ['succeeded', 'canceled', 'failed', 'succeeded'],
    );
  });

  it('never made the browser complain', () => {
    assert.deepEqual(wrongs(context), []);
  });
});
