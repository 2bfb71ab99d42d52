// What a person at the log waits for, in a real Chromium: the time from a line's printing in a container to its row on
// the screen, and how a finished log of a million lines opens, is searched and takes memory. Prints one JSON line a figure,
// then a table. Run by `make bench`.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { signIn, visitor } from '../tests/browser/people.mjs';
import { nativeProgram } from '../tests/browser/repos.mjs';
import { browser, outside, serve, tearDown } from '../tests/browser/world.mjs';

const ROUNDS = 5;
// Spelt otherwise in the command, which stands in the log as well.
const rare = 'the-one-rare-word';
/** Prints `lines` at a rate, each with the moment of its printing. */
const paced = (lines, perSecond) =>
  `node -e "let n=0;const t=Date.now();const i=setInterval(()=>{const due=Math.min(${lines},(Date.now()-t)*${perSecond}/1000);let s='';while(n<due){n++;s+='at '+Date.now()+' line '+n+' '+'x'.repeat(70)+'\\n'}process.stdout.write(s);if(n>=${lines})clearInterval(i)},${perSecond > 100 ? 10 : 50})"`;
const module = '"webpack compiled the module src/pages/port/quay/harbour-%07.0f.vue in 12 ms [built] [code generated]"';
const million = `seq -f ${module} 1 600000; echo the-one-"rare"-word; seq -f ${module} 600001 1000000`;

const series = new Map();
const add = (figure, unit, ...values) => {
  if (!series.has(figure)) series.set(figure, { unit, values: [] });
  series.get(figure).values.push(...values);
};
const at = (values, share) => values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)];

const server = await serve('bench', { SAMPAN_DEMO_BANNER: 'false' });
const people = await visitor(server);
people.setDefaultTimeout(120_000);
await signIn(people);
const { request } = people;

async function landed(path, options) {
  const answer = await request.post(path, options);
  if (!answer.ok()) throw new Error(`POST ${path}: ${answer.status()} ${(await answer.text()).match(/field-error[^<]*/g) ?? ''}`);
  return new URL(answer.url());
}

const group = (await landed('/groups', { form: { name: 'bench' } })).searchParams.get('group');

let made = 0;
async function release(command) {
  const { DEMO_WECHAT_APPID, DEMO_WECHAT_KEY } = outside();
  const form = { group, name: `bench ${++made}`, platform: 'wechat', app_id: DEMO_WECHAT_APPID, repo_url: nativeProgram(), default_ref: 'main', build_command: command, output_dir: '.' };
  const program = (await landed('/programs', { form })).pathname.replace('/edit', '');
  await landed(`${program}/credential`, { multipart: { private_key: readFileSync(DEMO_WECHAT_KEY, 'utf8') } });
  return (await landed(`${program}/releases`, { form: { action: 'preview', ref: 'main', environment: 'production' } })).pathname;
}

async function over(path) {
  for (;;) {
    const state = /data-release-state="(\w+)"/.exec(await (await request.get(path)).text())?.[1];
    if (!['queued', 'running'].includes(state)) return;
    await sleep(300);
  }
}

/** From the moment that a row names to the frame after it was put on the page. */
async function latency(figure, command) {
  const page = await people.newPage();
  await page.goto(await release(command));
  await page.evaluate(() => {
    window.late = [];
    const seen = new Set();
    const look = () => {
      for (const row of document.querySelectorAll('#log .line')) {
        const at = !seen.has(row.id) && /^at (\d+) line/.exec(row.querySelector('.text')?.textContent ?? '');
        if (!at) continue;
        seen.add(row.id);
        requestAnimationFrame(() => window.late.push(Date.now() - Number(at[1])));
      }
    };
    new MutationObserver(look).observe(document.getElementById('log'), { childList: true, subtree: true, characterData: true });
  });
  await page.waitForFunction(() => !['queued', 'running'].includes(document.querySelector('[data-release-state]').dataset.releaseState));
  const late = await page.evaluate(() => window.late);
  await page.close();
  add(figure, 'ms', ...late);
}

/** Anonymous memory of the renderer that shows this page, MB. */
async function memoryOf(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.collectGarbage');
  const heap = (await cdp.send('Runtime.getHeapUsage')).usedSize / 1e6;
  const root = await (await browser()).newBrowserCDPSession();
  const { processInfo } = await root.send('SystemInfo.getProcessInfo');
  const anonymous = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
    const [, kb] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'));
    return Number(kb) / 1000;
  });
  return { heap, tab: Math.max(...anonymous) };
}

await latency('line → screen at 4 lines/s', paced(120, 4));
await latency('line → screen at 5000 lines/s', paced(100_000, 5000));

const path = await release(million);
await over(path);
for (let round = 0; round < ROUNDS; round += 1) {
  const page = await people.newPage();
  await page.goto(path);
  await page.waitForFunction(() => Number(document.querySelector('#log-count')?.textContent.replace(/\D/g, '')) > 1_000_000 && document.querySelectorAll('#log .line').length > 10);
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  add('1 M lines: first paint', 'ms', paint);
  await page.keyboard.press('/');
  const began = Date.now();
  await page.evaluate((word) => {
    const field = document.getElementById('log-query');
    field.value = word;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }, rare);
  await page.waitForFunction(() => /\/ 1$/.test(document.getElementById('log-hits').textContent.trim()));
  add('1 M lines: search', 'ms', Date.now() - began);
  await page.keyboard.press('Enter');
  await page.locator('.line.hit', { hasText: rare }).waitFor();
  await page.keyboard.press('Escape');
  // All over the log, as somebody looking for something does.
  for (const share of [0, 0.25, 0.5, 0.75, 1, 0.1]) {
    await page.evaluate((to) => { const log = document.getElementById('log'); log.scrollTop = log.scrollHeight * to; }, share);
    await sleep(250);
  }
  const { heap, tab } = await memoryOf(page);
  add('1 M lines: heap of the page', 'MB', heap);
  add('1 M lines: memory of the tab', 'MB', tab);
  await page.close();
}
const blank = await people.newPage();
await blank.goto('/me');
add('another page: memory of the tab', 'MB', (await memoryOf(blank)).tab);

for (const [figure, { unit, values }] of series) {
  console.log(JSON.stringify({ figure, unit, n: values.length, p50: at(values, 0.5), p95: at(values, 0.95), max: at(values, 1) }));
}
console.log(`\n${'figure'.padEnd(36)}${'n'.padStart(8)}${'p50'.padStart(12)}${'p95'.padStart(12)}${'max'.padStart(12)}`);
for (const [figure, { unit, values }] of series) {
  const shown = [0.5, 0.95, 1].map((share) => `${Math.round(at(values, share))} ${unit}`.padStart(12));
  console.log(`${figure.padEnd(36)}${String(values.length).padStart(8)}${shown.join('')}`);
}
await tearDown();
process.exit(0);
