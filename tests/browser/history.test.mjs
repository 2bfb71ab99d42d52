// A program's history: live at its top, endless and in pages below; whoever asked for a release is told of its end.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { barriers } from './axe.mjs';
import { signIn, visitor } from './people.mjs';
import { serve } from './setup.mjs';
import { shot } from './shots.mjs';
import { wrongs } from './watch.mjs';

const MANY = 46;

describe('the history', () => {
  let server;
  let context;
  let page;
  let program;
  const cards = (on = page) => on.locator('.release-card');
  const ids = (on = page) => cards(on).evaluateAll((all) => all.map((e) => e.dataset.id));

  before(async () => {
    server = await serve('history');
    context = await visitor(server);
    await signIn(context);
    const landed = async (to, form) => new URL((await context.request.post(to, { form })).url());
    const group = (await landed('/groups', { name: '历史组' })).searchParams.get('group');
    // Nothing listens there: a release fails within moments, and needs no key.
    const form = { group, name: '航海日志', platform: 'alipay', app_id: '2021000000000077', repo_url: 'http://127.0.0.1:9/none.git', default_ref: 'main', output_dir: '.' };
    program = (await landed('/programs', form)).pathname.replace('/edit', '');
    const { generateKeyPairSync } = await import('node:crypto');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
    await context.request.post(`${program}/credential`, { multipart: { tool_id: 'tool-1', private_key: privateKey } });
    page = await context.newPage();
  });
  after(async () => {
    await context?.close();
    await server?.stop();
  });

  const ask = () => context.request.post(`${program}/releases`, { form: { action: 'preview', ref: 'main', environment: 'production' } });

  it('fills by itself where there was nothing, and tells of the end on any page', async () => {
    await page.goto(program);
    await page.locator('#no-history').waitFor();
    const elsewhere = await context.newPage();
    await elsewhere.goto('/me');
    await sleep(500); // its connection
    assert.ok((await ask()).ok());
    await cards().first().waitFor();
    assert.ok(await page.locator('#no-history').isHidden());
    await page.locator('.release-card .dot[data-state="failed"]').waitFor();
    const toast = elsewhere.locator('.toast', { hasText: '航海日志' });
    await toast.waitFor();
    assert.match(await toast.innerText(), /预览/);
    assert.deepEqual(await barriers(elsewhere), []);
    await shot(elsewhere, 'notice-zh-1280');
    await toast.locator('a').click();
    await elsewhere.waitForURL('**/releases/*');
    await elsewhere.goto('/');
    await sleep(1500);
    assert.equal(await elsewhere.locator('.toast').count(), 0, 'told once');
    await elsewhere.close();
  });

  it('goes on as one scrolls, without a double', async () => {
    for (let n = 1; n < MANY; n += 1) assert.ok((await ask()).ok());
    for (let n = 0; n < 200 && /data-state="(queued|running)"/.test(await (await context.request.get(program)).text()); n += 1) await sleep(200);
    await page.goto(program);
    const first = await ids();
    assert.ok(first.length >= 20 && first.length < MANY);
    for (let n = 0; n < 30 && (await cards().count()) < MANY; n += 1) {
      await page.mouse.wheel(0, 4000);
      await sleep(150);
    }
    const all = await ids();
    assert.equal(all.length, MANY);
    assert.equal(new Set(all).size, MANY);
    assert.deepEqual(all, all.toSorted().toReversed(), 'newest first');
  });

  it('is pages without a script', async () => {
    const still = await visitor(server, { javaScriptEnabled: false });
    await signIn(still);
    const plain = await still.newPage();
    await plain.goto(program);
    const seen = await ids(plain);
    while (await plain.locator('a[rel="next"]').count()) {
      await plain.click('a[rel="next"]');
      seen.push(...(await ids(plain)));
    }
    assert.equal(new Set(seen).size, MANY);
    assert.equal(seen.length, MANY);
    await still.close();
  });

  it('never made the browser complain', () => {
    assert.deepEqual(wrongs(context), []);
  });
});
