// A Sampan in the middle of its working day, made without a browser: releases in every state there is to look at.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { signIn, visitor } from './people.mjs';
import { longBranch, nativeBySsh, nativeProgram, staleBranch, workshop } from './repos.mjs';
import { outside, serve } from './setup.mjs';
import { appId, wgt } from './wgt.mjs';

/** What people typed: may be Chinese on an English page. */
export const names = {
  group: '港务组 Harbour',
  lighthouse: '灯塔 Lighthouse',
  ferries: '渡轮时刻表与码头告示（测试环境，仅供内部验收使用，请勿对外发布）',
  tides: '潮汐 Tides',
  fresh: '浮标 Buoys',
  pilots: '引航 Pilots',
  retired: '旧码头 Old pier',
  app: '港口 App',
  alipay: '港口 Alipay',
};
export const remark = '已发给客户验收 Sent to the customer';
export const changelogs = ['修正了渡轮时刻 Ferry times corrected', '潮汐曲线 Tide curve'];

// Further down than the last lines of the log that a failure shows.
const stack = 'for i in $(seq 1 40); do echo "    at transform (node_modules/rollup/dist/rollup.js:$i:12)"; done';
const brokenBuild = `cp -r src node_modules/.vite/; echo "vite v5.2.8 building for production..."
echo "transforming (41) src/pages/board/board.vue"; echo "RollupError: Could not resolve ./tide-curve from src/pages/board/board.vue"; ${stack}; exit 1`.replaceAll('\n', '; ');

const settings = {
  lighthouse: {},
  ferries: { build_command: brokenBuild, output_dir: 'src' },
  tides: { build_command: 'for i in $(seq 1 60); do echo "[$i/60] transform src/pages/tide-$i.vue"; done; sleep 600' },
  fresh: {},
  pilots: {},
  retired: {},
};

let made;

/** → {server, cookies of somebody signed in, fillIn() → paths of pages}; empty until `fillIn`. */
export const seeded = () => (made ??= seed());

async function seed() {
  const server = await serve('seeded');
  const context = await visitor(server);
  await signIn(context);
  const { request } = context;

  const landed = async (path, options) => {
    const answer = await request.post(path, options);
    if (!answer.ok()) throw new Error(`POST ${path}: ${answer.status()}`);
    return new URL(answer.url());
  };
  const release = async (program, more) => (await landed(`${program}/releases`, { form: { ref: 'main', environment: 'production', ...more } })).pathname;
  const over = async (path) => {
    for (const until = Date.now() + 90_000; Date.now() < until; await sleep(200)) {
      const state = /data-release-state="(\w+)"/.exec(await (await request.get(path)).text())?.[1];
      if (!['queued', 'running'].includes(state)) return state;
    }
    throw new Error(`${path} does not end`);
  };
  const { DEMO_WECHAT_APPID, DEMO_WECHAT_KEY, SAMPAN_TEST_SSH_KEY } = outside();
  const repositories = {
    ferries: () => ({ repo_url: workshop() }),
    pilots: () => ({ repo_url: nativeBySsh(), repo_key: readFileSync(SAMPAN_TEST_SSH_KEY, 'utf8') }),
  };
  const fillIn = async () => {
    const group = (await landed('/groups', { form: { name: names.group } })).searchParams.get('group');
    const at = { group: `/groups/${group}` };
    for (const name of Object.keys(settings)) {
      const repository = repositories[name]?.() ?? { repo_url: nativeProgram() };
      const form = { group, name: names[name], platform: 'wechat', app_id: DEMO_WECHAT_APPID, ...repository, default_ref: 'main', build_command: '', output_dir: '.', ...settings[name] };
      at[name] = (await landed('/programs', { form })).pathname.replace('/edit', '');
      if (name !== 'fresh') await landed(`${at[name]}/credential`, { multipart: { private_key: readFileSync(DEMO_WECHAT_KEY, 'utf8') } });
    }
    at.preview = await release(at.lighthouse, { action: 'preview', page_path: 'pages/index/index', query: 'lamp=on' });
    at.failed = await release(at.ferries, { action: 'preview', ref: longBranch, environment: 'development' });
    at.stale = await release(at.ferries, { action: 'preview', ref: staleBranch });
    at.upload = await release(at.lighthouse, { action: 'upload', description: 'The lamp turns twice a minute 灯每分钟转两圈' });
    // A look at it pins its host's key.
    await landed('/programs/inspect', { form: { id: at.pilots.split('/').at(-1), repo_url: nativeBySsh(), default_ref: 'main' } });
    await fillCatalogue(at, group);
    await landed(`${at.retired}/archive`, { form: { archived: 'yes' } });
    await landed(`${at.upload}/remark`, { form: { remark } });
    const ended = await Promise.all([at.preview, at.failed, at.stale, at.upload].map(over));
    if (ended.join() !== 'succeeded,failed,failed,succeeded') throw new Error(`seeded releases ended ${ended}`);
    at.running = await release(at.tides, { action: 'preview', ref: longBranch });
    at.queued = await release(at.tides, { action: 'upload' });
    for (let i = 0; i < 100 && !(await (await request.get(`${at.running}/log.txt`)).text()).includes('[60/60]'); i++) await sleep(200);
    return at;
  };
  /** A catalogue as it looks after a few weeks. */
  const fillCatalogue = async (at, group) => {
    const common = { group, repo_url: nativeProgram(), default_ref: 'main', output_dir: '.' };
    at.app = (await landed('/programs', { form: { ...common, name: names.app, platform: 'uniapp', app_id: appId } })).pathname;
    at.alipay = (await landed('/programs', { form: { ...common, name: names.alipay, platform: 'alipay', app_id: '2021000000000009' } })).pathname.replace('/edit', '');
    at.catalogue = at.app.replace('/programs/', '/updates/');
    const add = async (fields, file) => (await landed(at.catalogue, { multipart: { ...fields, ...(file && { file }) } })).pathname;
    at.native = await add({ kind: 'android', version: '1.0.0', version_code: '100', remark });
    await add({ kind: 'ios', version: '1.0.0', version_code: '100', link: 'https://apps.example.invalid/id1' });
    await add({ kind: 'wgt-android', changelog: changelogs[0] }, wgt('1.0.1', 101));
    at.update = await add({ kind: 'wgt-android', mode: 'force', changelog: changelogs[1], remark }, wgt('1.0.2', 102));
    const test = await add({ kind: 'wgt-android', channel: 'test', mode: 'silent' }, wgt('1.0.3', 103));
    await landed(`${test}/enabled`, { form: { enabled: 'no' } });
  };
  const cookies = await context.cookies();
  let filled;
  return { server, cookies: cookies.filter(({ name }) => name === 'sampan'), fillIn: () => (filled ??= fillIn()) };
}
