// Hot updates by hand, as somebody who answers for an app does it: native build, package with progress, question, taking back.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { signIn, visitor } from './people.mjs';
import { scan } from './qr.mjs';
import { nativeProgram } from './repos.mjs';
import { seeded } from './seeded.mjs';
import { wrongs } from './watch.mjs';
import { wgt } from './wgt.mjs';

const id = '__UNI__BYHAND1';

describe('hot updates by hand', () => {
  let context, page, program, catalogue;
  const text = (selector) => page.locator(selector).innerText();

  before(async () => {
    const sampan = await seeded();
    await sampan.fillIn();
    context = await visitor(sampan.server);
    await signIn(context);
    page = await context.newPage();
  });
  after(() => context?.close());

  it('adds a program; its platform decides what is asked', async () => {
    await page.goto('/programs/new');
    await page.locator('.row-title', { hasText: 'uni-app' }).click();
    for (const [name, value] of Object.entries({ name: '航标 App', app_id: id, repo_url: nativeProgram() })) await page.fill(`#${name}`, value);
    assert.equal(await page.inputValue('#output_dir'), 'dist/build/app');
    await page.click('form[action="/programs"] .form-foot .btn-primary');
    await page.waitForURL(/\/programs\/[0-9a-f]{32}$/);
    program = new URL(page.url()).pathname;
    catalogue = program.replace('/programs/', '/updates/');
    assert.match(await text('.notice'), /原生版本/);
  });

  it('registers the native build that phones run', async () => {
    await page.click('.notice a');
    await page.waitForURL('**/new?kind=android');
    await page.fill('#version', '1.0.0');
    await page.fill('#version_code', '100');
    await page.click('[data-upload] .btn-primary');
    await page.waitForURL(/\/updates\/[0-9a-f]{32}\/[0-9a-f]{32}$/);
    assert.match(await text('.facts-list'), /已登记/);
  });

  it('sends a package; what is wrong with it stands at the field', async () => {
    await page.goto(`${catalogue}/new?kind=wgt-android`);
    await page.setInputFiles('#file', { name: 'x.wgt', mimeType: 'application/octet-stream', buffer: Buffer.from('GIF89a') });
    await page.fill('#changelog', '航标灯换成了绿色');
    await page.click('[data-upload] .btn-primary');
    await page.locator('#file-error').waitFor();
    assert.match(await text('#file-error'), /zip/);
    assert.equal(await page.inputValue('#changelog'), '航标灯换成了绿色', 'what was typed stays');
    await page.setInputFiles('#file', wgt('1.0.1', 101, id));
    await page.click('[data-upload] .btn-primary');
    await page.waitForURL(/\/updates\/[0-9a-f]{32}\/[0-9a-f]{32}$/);
    assert.match(await text('h1'), /1\.0\.1/);
    assert.match(await text('.facts-list'), /已启用[\s\S]*≥ 1\.0\.0 \(100\)[\s\S]*航标灯/);
  });

  it('shows a code that scans to the package', async () => {
    const address = await scan(page.locator('.download-qr .qr-image'));
    assert.match(address, /\/d\/[0-9a-f]{64}\/1\.0\.1-101\.wgt$/);
    const answer = await context.request.get(address);
    assert.equal((await answer.body()).subarray(0, 2).toString(), 'PK');
  });

  it('asks what a phone would get, before and after taking it back', async () => {
    const update = new URL(page.url()).pathname;
    await page.goto(`${catalogue}?os=android`);
    assert.equal(await page.inputValue('#native'), '100');
    await page.click('aside form .btn');
    await page.locator('.answer').waitFor();
    assert.match(await text('.answer'), /1\.0\.1/);
    await page.goto(update);
    await page.click('form[action$="/enabled"] .btn');
    await page.waitForLoadState();
    assert.match(await text('.facts-list'), /已停用/);
    await page.goto(`${catalogue}?os=android&native=100`);
    assert.match(await text('.answer'), /没有更新/);
    await page.goto(update);
    await page.click('.confirm > summary');
    assert.match(await text('.confirm-box'), /1\.0\.1/);
    await page.click('.confirm-box .btn-danger');
    await page.waitForURL(`**${catalogue}`);
    assert.equal(await page.locator('.updates > .row').count(), 1, 'the native build is left');
  });

  it('offers the publish form now that a native build is known', async () => {
    await page.goto(`${program}#publish`);
    assert.ok(await page.locator('#publish-ref').isVisible());
    assert.ok(await page.locator('input[name="system_android"]').isChecked());
    await page.selectOption('#publish-min_native', '100');
    assert.ok(await page.locator('#publish .btn-primary').last().isEnabled());
    assert.deepEqual(wrongs(context), []);
  });
});
