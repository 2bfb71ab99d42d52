// The log viewer over a real server: a long log that grows, breaks off, goes on, ends, and is read afterwards.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { barriers } from './axe.mjs';
import { signIn, visitor } from './people.mjs';
import { untilOver } from './release.mjs';
import { nativeProgram } from './repos.mjs';
import { outside, serve } from './setup.mjs';
import { shot } from './shots.mjs';
import { wrongs } from './watch.mjs';

const LONG = 40_000;
// Colours, a progress bar, a long flood, then a trickle, then an error.
const build = `printf '\\033[1;32mgreen and bold\\033[0m, then plain\\n'; printf '10%%\\r50%%\\r100%%\\n'; seq -f 'module-%.0f of the harbour <b>not bold</b>' 1 ${LONG}; echo the-"rare"-word; for i in $(seq 1 60); do echo "tick $i"; sleep 0.25; done; echo "Error: the tide is out"; exit 3`;

describe('the log', () => {
  let server;
  let context;
  let page;
  let path;
  const text = (selector, on = page) => on.locator(selector).innerText();
  const numbers = async (on = page) => (await on.locator('#log .line > .n').allInnerTexts()).map(Number);
  const count = async (on = page) => Number((await text('#log-count', on)).replace(/\D/g, ''));
  const atEnd = () => page.locator('#log').evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 40);

  before(async () => {
    server = await serve('log');
    context = await visitor(server);
    await signIn(context);
    const { DEMO_WECHAT_APPID, DEMO_WECHAT_KEY } = outside();
    const landed = async (to, options) => new URL((await context.request.post(to, options)).url());
    const group = (await landed('/groups', { form: { name: '日志组' } })).searchParams.get('group');
    const form = { group, name: '潮汐', platform: 'wechat', app_id: DEMO_WECHAT_APPID, repo_url: nativeProgram(), default_ref: 'main', build_command: build, output_dir: '.' };
    const program = (await landed('/programs', { form })).pathname.replace('/edit', '');
    await landed(`${program}/credential`, { multipart: { private_key: readFileSync(DEMO_WECHAT_KEY, 'utf8') } });
    path = (await landed(`${program}/releases`, { form: { action: 'preview', ref: 'main', environment: 'production' } })).pathname;
    page = await context.newPage();
    await page.goto(path);
  });
  after(async () => {
    await context?.close();
    await server?.stop();
  });

  it('follows what arrives, and keeps only what is in view', async () => {
    await page.locator('.line', { hasText: 'tick 3' }).waitFor({ timeout: 60_000 });
    assert.ok(await atEnd());
    assert.ok((await count()) > LONG);
    const shown = await numbers();
    assert.ok(shown.length < 150, `${shown.length} rows on the page`);
    assert.deepEqual(shown, shown.map((_, i) => shown[0] + i), 'no gap, no double');
    assert.equal(await page.locator('#log-follow').getAttribute('aria-pressed'), 'true');
  });

  it('lets go when somebody scrolls up, and says how much waits', async () => {
    await page.locator('#log').hover();
    await page.mouse.wheel(0, -3000);
    await page.waitForFunction(() => document.getElementById('log-follow').getAttribute('aria-pressed') === 'false');
    await sleep(500); // the wheel comes to rest
    const where = () => page.locator('#log').evaluate((log) => {
      const { top } = log.getBoundingClientRect();
      const row = [...log.querySelectorAll('.line')].find((e) => e.getBoundingClientRect().top > top + 100);
      return `${row.id} ${Math.round(row.getBoundingClientRect().top - top)}`;
    });
    const before = [await where(), await count()];
    await page.waitForFunction((n) => Number(document.getElementById('log-count').textContent.replace(/\D/g, '')) > n + 4, before[1]);
    assert.match(await text('#follow-count'), /\d+ 行新日志/);
    assert.equal(await where(), before[0], 'what is read stays where it is');
    await shot(page, 'log-released-zh-1280');
    await page.click('#follow');
    await page.waitForFunction(() => document.getElementById('log-follow').getAttribute('aria-pressed') === 'true');
    assert.ok(await atEnd());
  });

  it('goes on where it was after the server was restarted', async () => {
    await page.evaluate(() => { window.stayed = 'here'; });
    await server.stop();
    await page.locator('.line', { hasText: /tick/ }).last().waitFor();
    await page.waitForFunction(() => /重新连接|连接中断|正在连接/.test(document.getElementById('log-state').textContent));
    await server.start();
    await page.locator('.line', { hasText: 'attempt 2' }).or(page.locator('.line', { hasText: 'tick 1' })).first().waitFor({ timeout: 60_000 });
    await page.waitForFunction(() => /实时/.test(document.getElementById('log-state').textContent));
    assert.equal(await page.evaluate(() => window.stayed), 'here', 'without a reload');
  });

  it('ends with the release, and every line is what the download says', async () => {
    assert.equal(await untilOver(page, 120_000), 'failed');
    const whole = (await (await context.request.get(`${path}/log.txt`)).text()).split('\n');
    whole.pop();
    await page.waitForFunction((n) => Number(document.getElementById('log-count').textContent.replace(/\D/g, '')) === n, whole.length);
    assert.equal(await page.locator('#log-follow').isVisible(), false);
    // All over the log, also where nothing has been loaded yet.
    const places = [0, 0.13, 0.5, 0.77, 1];
    for (const share of places) {
      await page.locator('#log').evaluate((e, to) => { e.scrollTop = (e.scrollHeight - e.clientHeight) * to; }, share);
      await sleep(400); // the scroller comes to rest
      await page.waitForFunction(() => document.querySelectorAll('#log .line').length > 5 && !document.querySelector('#log .line-wait'));
      const rows = await page.locator('#log .line').evaluateAll((all) => all.map((e) => [Number(e.querySelector('.n').textContent), e.querySelector('.text').textContent]));
      for (const [n, shown] of rows) assert.equal(shown, whole[n - 1].replace(/\x1b\[[0-9;]*m/g, ''), `line ${n}`);
      if (share === 0) assert.equal(rows[0][0], 1);
      if (share === 1) assert.equal(rows.at(-1)[0], whole.length);
    }
    assert.equal(whole.filter((line) => line.includes('the-rare-word')).length, 2, 'once in each attempt');
  });

  it('shows colours, never HTML, and of a progress bar the last state', async () => {
    await page.keyboard.press('g');
    const green = page.locator('.line', { hasText: 'green and bold, then plain' }).first();
    await green.waitFor();
    const [bold, colour, plain] = await green.locator('.text').evaluate((e) => {
      const style = getComputedStyle(e.firstElementChild);
      return [style.fontWeight, style.color, getComputedStyle(e).color];
    });
    assert.ok(Number(bold) >= 600 && colour !== plain, `${bold} ${colour} ${plain}`);
    assert.equal(await page.locator('#log b').count(), 0);
    assert.match(await green.locator('xpath=following-sibling::div[1]').innerText(), /100%/);
  });

  it('finds a word that no browser has loaded, and counts', async () => {
    await page.reload();
    await page.keyboard.press('/');
    await page.keyboard.type('THE-RARE-WORD');
    await page.waitForFunction(() => /\/ 2/.test(document.getElementById('log-hits').textContent));
    await page.keyboard.press('Enter');
    await page.locator('.line.hit.at mark', { hasText: 'the-rare-word' }).waitFor();
    const first = await page.locator('.line.at').getAttribute('id');
    assert.match(await text('#log-hits'), /1 \/ 2/);
    await page.keyboard.press('Enter');
    await page.waitForFunction((id) => document.querySelector('.line.at') && document.querySelector('.line.at').id !== id, first);
    assert.match(await text('#log-hits'), /2 \/ 2/);
    await shot(page, 'log-found-zh-1280');
    await page.fill('#log-query', 'module-39999 of');
    await page.waitForFunction(() => /\/ 2/.test(document.getElementById('log-hits').textContent));
    await page.fill('#log-query', 'no such thing anywhere');
    await page.getByText('没有找到').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.line.hit').count(), 0);
    assert.ok(await page.locator('#log-search').isHidden());
  });

  it('leads to the first error, folds stages, and is all keys', async () => {
    await page.keyboard.press('e');
    await page.locator('#log .line.first-error', { hasText: 'Error: the tide is out' }).waitFor();
    const compile = page.locator('.stage-mark[data-stage="compile"]').first();
    await page.keyboard.press('g');
    await page.waitForFunction(() => document.querySelector('#log .line')?.id === 'L1');
    const all = await page.locator('.stage-mark').count();
    await page.locator('.stage-mark[data-stage="checkout"] button').first().click();
    await page.waitForFunction(() => !document.getElementById('L1'));
    assert.ok((await page.locator('.stage-mark').count()) >= all);
    await compile.waitFor();
    await page.keyboard.press('G');
    await page.waitForFunction(() => [...document.querySelectorAll('#log .line')].at(-1)?.textContent.includes('failed'));
    const wrapped = await page.locator('#log-wrap').getAttribute('aria-pressed');
    await page.keyboard.press('w');
    assert.notEqual(await page.locator('#log-wrap').getAttribute('aria-pressed'), wrapped);
    await page.keyboard.press('w');
    await page.keyboard.press('?');
    await page.locator('#log-help').waitFor();
    assert.deepEqual(await barriers(page), []);
    await page.keyboard.press('Escape');
  });

  it('opens at a line or a range of its address, and copies it', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
    const other = await context.newPage();
    await other.goto(`${path}#L20000-L20002`);
    const marked = other.locator('#L20001');
    await marked.waitFor();
    await other.waitForFunction(() => document.getElementById('log-range') && !document.getElementById('log-range').hidden);
    await other.click('#log-copy');
    await other.locator('.toast').waitFor();
    const whole = (await (await context.request.get(`${path}/log.txt`)).text()).split('\n');
    assert.equal(await other.evaluate(() => navigator.clipboard.readText()), whole.slice(19_999, 20_002).join('\n'));
    await other.locator('#L20002 > .n').click();
    assert.match(other.url(), /#L20002$/);
    await other.close();
  });

  it('works under a thumb, and stays within the screen', async () => {
    const phone = await visitor(server, { phone: true, lang: 'en' });
    await signIn(phone);
    const small = await phone.newPage();
    await small.goto(path);
    await small.locator('.line').first().waitFor();
    assert.ok(await small.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'no sideways scrolling');
    await small.tap('#log-find');
    await small.fill('#log-query', 'the-rare-word');
    await small.waitForFunction(() => /\/ 2/.test(document.getElementById('log-hits').textContent));
    await small.keyboard.press('Enter');
    await small.locator('.line.hit.at').waitFor();
    assert.deepEqual(await barriers(small), []);
    await shot(small, 'log-found-en-375');
    assert.deepEqual(wrongs(phone), []);
    await phone.close();
  });

  it('never made the browser complain', () => {
    // While the server was away, the browser could not connect.
    assert.deepEqual(wrongs(context).filter((text) => !/ERR_CONNECTION_REFUSED|WebSocket connection/.test(text)), []);
  });
});
