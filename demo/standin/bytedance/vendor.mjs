// The vendor's side of the protocol: what `tt-ide-cli` asks, answered as far as its behaviour is known from the CLI itself.
import { callerAddress, readBody, sendHtml, sendMarked, TooLarge } from '../http.mjs';
import { isAppId } from '../state.mjs';
import { markOf, page } from '../words.mjs';
import { flaw, isSession, readRegistration, sessionOf, signIn, unmix } from './accounts.mjs';
import { examine } from './protocol/layout.mjs';
import { BadForm, readForm, text } from './protocol/multipart.mjs';
import { BadPackage, unzip } from './protocol/unzip.mjs';
import { badPackage, invalidIp, notHigher, OWN, scenarios } from './scenarios.mjs';

const mark = markOf({ en: 'ByteDance' });
const MAX_BODY = 64 * 1024 * 1024;
const PREVIEW_SECONDS = 24 * 60 * 60;
const APP_ID = /^tt[0-9a-f]{16}([0-9a-f]{2})?$/;

const ok = (more) => ({ json: { error: 0, code: 0, message: 'success', ...more } });
const refused = (why) => ({ json: { error: 99001, code: 99001, data: `${OWN}: ${why}`, msg: `${OWN}: ${why}`, message: `${OWN}: ${why}` } });

/** What the stand-in's core asks of a vendor; see ../vendors.mjs. */
export const bytedance = {
  id: 'bytedance',
  scenarios,
  register: readRegistration,
  about: ({ token, account }) => ({ credentials: [token && 'token', account && 'e-mail'].filter(Boolean) }),
  files: unzip,
  handler,
};

function handler(state) {
  // By app id and stage: how often was asked, and what there is to say at last.
  const compiling = new Map();

  function deliver(kind, call) {
    const early = call.hooks.connection?.();
    if (early) return early;
    if (call.app.whitelist.length && !call.app.whitelist.includes(call.ip)) return invalidIp(call.ip);
    let form, zip, files;
    try {
      form = readForm(call.raw, call.headers['content-type']);
      zip = form.get('source') ?? Buffer.alloc(0);
      files = unzip(zip);
    } catch (error) {
      if (error instanceof BadPackage || error instanceof BadForm) return badPackage(error.message);
      throw error;
    }
    const { missing, sizes } = examine(files, call.appid);
    if (missing) return badPackage(`there is no ${missing}`);
    const version = text(form, 'version');
    const last = lastVersion(call.app);
    if (kind === 'upload' && !higher(version, last)) return notHigher(version, last);
    const refusal = call.hooks.verdict?.(call);
    if (refusal) return refusal;
    state.accept(call.appid, describe(kind, form, zip, files, sizes), zip);
    compiling.set(call.appid, { polls: 0, sizes });
    const receipt = { ...ok({ performance_metrics: {} }), headers: { 'x-tt-logid': `standin${Date.now()}` } };
    return call.hooks.receipt?.(receipt) ?? receipt;
  }

  function progress({ appid, hooks }) {
    const early = hooks.progress?.();
    if (early) return early;
    const job = compiling.get(appid);
    if (!job) return { json: { error: 1, message: `${OWN}: nothing is being compiled` } };
    job.polls += 1;
    if (job.polls < 2) return { json: { error: 0, status: 1 } };
    return { json: { error: 0, status: 2, pass_json: JSON.stringify({ packageSize: job.sizes }), performance_metrics: {} } };
  }

  function schema({ appid, app, body, hooks }) {
    const early = hooks.schema?.({ stage: body.stage });
    if (early) return early;
    const number = app.uploads.length;
    if (number === 0) return refused('nothing was uploaded yet');
    const expires = Math.floor(Date.now() / 1000) + PREVIEW_SECONDS;
    // Not kept over a restart: what the code would open, for whoever looks at the upload.
    app.uploads[number - 1].launch = body.schema_params;
    return ok({
      data: {
        short_url: `https://developer.toutiao.com/sampan-stand-in-not-bytedance/${appid}/${body.stage}/${number}`,
        origin_schema: `sslocal://sampan-stand-in-not-bytedance?app_id=${appid}`,
        expire_time: expires,
      },
    });
  }

  function login({ raw }) {
    const form = new URLSearchParams(raw.toString('utf8'));
    const session = signIn(unmix(form.get('email')), unmix(form.get('password')));
    if (session === null) return { json: { message: 'error', data: { description: `${OWN}: wrong e-mail address or password` } } };
    return { json: { message: 'success', data: { user_id_str: '1' } }, headers: { 'set-cookie': [`sessionid_microapp=${session}; Path=/; HttpOnly`] } };
  }

  const userInfo = ({ headers }) => (isSession(sessionOf(headers)) ? ok({ data: { name: 'stand-in', uId: '1' } }) : refused('nobody is signed in'));

  // Those with an app in their path, query or body are for its credential only.
  const routes = [
    ['GET', '/api/apps/v3/meta', ({ hooks }) => hooks.meta?.() ?? ok({ data: { version: '0.0.0', tech_type: 1 } })],
    ['GET', '/api/developer/ide/v1/microapp/versions', ({ app }) => ok({ data: { audit_version: lastVersion(app) } })],
    ['GET', '/api/developer/ide/v1/microapp/get_exist_test_version', () => ok({ data: { limit_num: 21 } })],
    ['GET', '/bff_api/app/setting/v2/APP/microappinfoservice/getMicroappInfo', () => ok({ data: { appInfo: { isSandboxApp: false } } })],
    ['PUT', '/api/v2/app/APP/testing', (call) => deliver('upload', call)],
    ['PUT', '/api/v2/app/APP/preview', (call) => deliver('preview', call)],
    ['GET', '/api/v1/app/APP/compile_progress', progress],
    ['POST', '/api/developer/ide/v1/microapp/make_schema', schema],
    // No service provider has its templates here.
    ['GET', '/api/v1/app/APP/meta', () => ok({ data: { is_thirdparty_dev: false, thirdparty: { name: '' } } })],
    ['POST', '/passport/web/email/login/', login, 'open'],
    ['GET', '/platform_api/v1/app/microappadmincomm/getUserInfo', userInfo, 'open'],
    ['GET', '/service/settings/v2/', () => ok({ data: { app: {} } }), 'open'],
    ['POST', '/v1/json', () => ok(), 'open'],
  ];

  function answerTo(call, url) {
    if (call.method === 'GET' && (url.pathname === '/' || url.pathname.startsWith('/sampan-stand-in-not-bytedance/'))) return { status: 200, html: page() };
    const pattern = call.appid ? url.pathname.replace(`/${call.appid}/`, '/APP/') : url.pathname;
    const route = routes.find(([method, path]) => method === call.method && path === pattern);
    if (!route) return { status: 404, json: { error: -1, message: `${mark}: ${url.pathname} is not played here` } };
    if (route[3] === 'open') return route[2](call);
    if (!call.app) return refused('the app id is missing or malformed');
    const wrong = flaw(call.app, call.headers);
    return wrong ? refused(wrong) : route[2](call);
  }

  return async function handle(request, response) {
    const url = new URL(request.url, 'https://stand-in.invalid');
    const ip = callerAddress(request);
    const at = new Date().toISOString();
    let call = {};
    let reply;
    try {
      call = await readCall(request, url, ip, state);
      reply = answerTo(call, url);
    } catch (error) {
      reply = unexpected(error);
    }
    const outcome = reply.hang ? 'hang' : reply.cut ? 'cut' : (reply.json?.error ?? reply.json?.code ?? reply.status ?? 200);
    const appid = call.appid ?? null;
    state.saw({ appid, method: request.method, path: url.pathname, ip, outcome, at });
    console.log(`stand-in: ${ip} ${request.method} ${url.pathname} ${appid ?? '-'} -> ${outcome}`);
    answer(response, reply);
  };
}

async function readCall(request, url, ip, state) {
  const raw = await readBody(request, MAX_BODY);
  const { headers, method } = request;
  const body = headers['content-type']?.startsWith('application/json') ? JSON.parse(raw.toString('utf8')) : {};
  const named = /\/(tt[0-9a-f]+)\//.exec(url.pathname)?.[1] ?? url.searchParams.get('app_id') ?? url.searchParams.get('appid') ?? body?.app_id;
  const appid = isAppId(named) && APP_ID.test(named) ? named : undefined;
  const app = appid && { appid, ...state.app(appid) };
  return { method, appid, app, raw, headers, body, ip, hooks: scenarios[app?.scenario] ?? {} };
}

const lastVersion = ({ uploads }) => uploads.filter(({ kind }) => kind === 'upload').at(-1)?.version ?? '0.0.0';

function higher(version, last) {
  if (!/^\d+\.\d+\.\d+$/.test(version ?? '')) return false;
  const [a, b] = [version, last].map((each) => each.split('.').map(Number));
  const differs = a.findIndex((number, index) => number !== b[index]);
  return differs !== -1 && a[differs] > b[differs];
}

function describe(kind, form, zip, files, sizes) {
  return {
    kind,
    version: text(form, 'version'),
    desc: text(form, 'intro'),
    channel: text(form, 'tag'),
    tool: text(form, 'local_compile_version'),
    bytes: zip.length,
    sizes,
    files: [...files].map(([name, content]) => ({ name, size: content.length })),
    at: new Date().toISOString(),
  };
}

function unexpected(error) {
  const say = (status, message) => ({ status, json: { error: -1, message: `${mark}: ${message}` } });
  if (error instanceof TooLarge) return say(413, error.message);
  if (error instanceof SyntaxError) return say(400, error.message);
  console.error('stand-in:', error);
  return say(500, 'internal error');
}

function answer(response, reply) {
  if (reply.hang) return;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if (reply.cut) response.socket?.destroy();
  else if (reply.html) sendHtml(response, reply.status, reply.html);
  else sendMarked(response, reply.status ?? 200, reply.json, mark);
}
