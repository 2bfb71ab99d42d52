// The vendor's side of the protocol: what `minidev` asks, answered as far as its behaviour is publicly known or was seen to be needed.
import { callerAddress, readBody, send, sendHtml, sendMarked, TooLarge } from '../http.mjs';
import { isAppId } from '../state.mjs';
import { markOf, page, qrText } from '../words.mjs';
import { qrPng } from './protocol/qr.mjs';
import { fingerprint, flaw, publicPart } from './protocol/signature.mjs';
import { BadPackage, unpack } from './protocol/unpack.mjs';
import { badPackage, badSignature, builtLog, invalidIp, noSuchTask, notHigher, scenarios } from './scenarios.mjs';

const NAME = { zh: '支付宝', en: 'Alipay' };
const mark = markOf(NAME);
const MAX_BODY = 64 * 1024 * 1024;
const PICTURES = /^\/standin\/qr\/([A-Za-z0-9_-]+)\/(\d+)\.png$/;

/** What the stand-in's core asks of a vendor; see ../vendors.mjs. */
export const alipay = {
  id: 'alipay',
  scenarios,
  register: (body) => {
    const { tool_id: toolId, key } = JSON.parse(body);
    if (typeof toolId !== 'string' || toolId === '' || typeof key !== 'string') throw new Error('{"tool_id": "…", "key": "PEM"} is needed');
    return { toolId, publicKey: publicPart(key) };
  },
  about: ({ toolId, publicKey }) => ({ tool_id: toolId, fingerprint: publicKey && fingerprint(publicKey) }),
  files: unpack,
  handler,
};

const ok = (data) => ({ json: { stat: 'ok', data } });
const encoded = (value) => encodeURIComponent(JSON.stringify(value));
const parts = (version) => String(version).split('.').map(Number);
const isHigher = (version, last) => {
  const [a, b] = [parts(version), parts(last)];
  const at = a.findIndex((part, index) => part !== b[index]);
  return at !== -1 && a[at] > (b[at] ?? 0);
};

function handler(state) {
  const uploadsOf = (app) => app.uploads.filter(({ kind }) => kind === 'upload');
  const lastVersion = (app) => uploadsOf(app).at(-1)?.version ?? '';
  const picture = (appid) => `https://mdn.alipayobjects.com/standin/qr/${appid}/${state.app(appid).uploads.length}.png`;

  function receive(kind, { appid, app, form, ip, hooks }, describe, reply) {
    const early = hooks.connection?.();
    if (early) return early;
    const refused = refusal({ app, form, ip });
    if (refused) return refused;
    const { packageFile } = form.files;
    let files;
    try {
      if (!packageFile) throw new BadPackage('packageFile is missing');
      files = unpack(packageFile);
      if (kind === 'upload') assertSources(files);
    } catch (error) {
      if (error instanceof BadPackage) return badPackage(error.message);
      throw error;
    }
    const verdict = hooks.verdict?.();
    if (verdict) return verdict;
    if (kind === 'upload' && lastVersion(app) && !isHigher(form.get('packageVersion'), lastVersion(app))) return notHigher(lastVersion(app));
    state.accept(appid, { kind, ...describe, bytes: packageFile.length, files: [...files].map(([name, content]) => ({ name, size: content.length })), at: new Date().toISOString() }, packageFile);
    const receipt = ok(reply(appid));
    return hooks.receipt?.(receipt) ?? receipt;
  }

  const upload = (call) =>
    receive('upload', call, { version: call.form.get('packageVersion'), desc: call.form.get('remark') }, (appid) => ({
      nebulaInfo: encoded({ packageId: String(state.app(appid).uploads.length), version: call.form.get('packageVersion') }),
    }));

  function preview(call) {
    const launch = JSON.parse(call.form.get('extendInfo') || '{}').launchParams ?? {};
    const [path, query] = String(launch.page ?? '').split('?');
    const seen = { version: null, desc: null, path: path || null, query: launch.query || query || null, scene: call.form.get('chInfo') ?? null, pushed: call.form.get('needSync') === 'true' };
    return receive('preview', call, seen, (appid) => ({
      debugQrcodeUrl: picture(appid),
      deployVersion: `0.0.${state.app(appid).uploads.length}`,
      packageUrlSchema: 'alipays://stand-in.invalid/not-alipay',
    }));
  }

  function poll({ app, form, hooks }) {
    if (!app.uploads[Number(form.get('packageId')) - 1]) return noSuchTask();
    const now = hooks.poll?.() ?? { status: '2', log: builtLog, versionCreated: true };
    if (now.html) return now;
    const nebulaInfo = encoded({ status: now.status, detail: JSON.stringify({ log: now.log }) });
    return ok({ versionCreated: now.versionCreated === true, nebulaInfo });
  }

  const trial = ({ appid, hooks }) => ok(hooks.experience?.() ?? { packageStatus: 'success', qrCodeUrl: picture(appid) });

  /** Routes marked so go on only with a good signature and from an allowed address. */
  const signed = (route) => (call) => refusal(call) ?? route(call);
  const routes = {
    'GET /cli/miniapp/appUploadDetail.json': (call) => call.hooks.ask?.() ?? signed(() => ok({ lastVersion: lastVersion(call.app) }))(call),
    'POST /cli/miniapp/uploadCode.json': upload,
    'POST /cli/miniapp/pullingUploadCode.json': signed(poll),
    'POST /cli/miniapp/setExp.json': signed(() => ok({})),
    'GET /cli/miniapp/setExpQuery.json': signed(trial),
    'POST /cli/miniapp/preview.json': preview,
    // The tool does well without an answer to these.
    'GET /api/tinyapp/buildconfig': () => ({ json: { success: true, data: {} } }),
    'GET /manifest/minicode-compile/minicode-compile.json': () => ({ json: {} }),
    'GET /loggw/dwcookieLogGet.do': () => ({ json: {} }),
    'GET /': () => ({ status: 200, html: page() }),
  };

  async function drawn(appid, number) {
    const app = state.app(appid);
    const shown = app.uploads[number - 1];
    if (app.vendor !== 'alipay' || !shown) return null;
    return scenarios[app.scenario]?.picture?.() ?? { png: await qrPng(qrText(NAME, { appid, number, path: shown.path, query: shown.query })) };
  }

  return async function handle(request, response) {
    const url = new URL(request.url, 'https://stand-in.invalid');
    const ip = callerAddress(request);
    const at = new Date().toISOString();
    let appid = null;
    let reply;
    try {
      const wanted = PICTURES.exec(url.pathname);
      if (wanted && request.method === 'GET') reply = await drawn(wanted[1], Number(wanted[2]));
      const route = routes[`${request.method} ${url.pathname}`];
      if (!reply && route) {
        const form = await readForm(request, url);
        appid = form.get('appId') ?? null;
        if (url.pathname.startsWith('/cli/') && !isAppId(appid)) throw new SyntaxError('appId is missing or malformed');
        const app = isAppId(appid) ? state.app(appid) : null;
        reply = route({ appid, app, form, ip, hooks: (app?.vendor === 'alipay' && scenarios[app.scenario]) || {} });
      }
      reply ??= notHere(url.pathname);
    } catch (error) {
      reply = unexpected(error);
    }
    const outcome = reply.hang ? 'hang' : reply.cut ? 'cut' : (reply.json?.stat ?? reply.status ?? 200);
    state.saw({ appid, method: request.method, path: url.pathname, ip, outcome, at });
    console.log(`stand-in: ${ip} ${request.method} ${url.pathname} ${appid ?? '-'} -> ${outcome}`);
    answer(response, reply);
  };
}

function refusal({ app, form, ip }) {
  const wrong = flaw({ app, fields: form.fields, headers: form.headers });
  if (wrong) return badSignature(wrong);
  return app.whitelist.length && !app.whitelist.includes(ip) ? invalidIp() : null;
}

/** What the tool does not check: an upload without app.json would be of no use to anybody. */
function assertSources(files) {
  const config = files.get('mini.project.json');
  const root = config ? String(JSON.parse(config).miniprogramRoot ?? '') : '';
  const main = `${root.replace(/^\.?\/+|\/+$/g, '')}/app.json`.replace(/^\//, '');
  if (!files.has(main)) throw new BadPackage(`there is no ${main}`);
}

/** The fields of a query or of a multipart body, in order, and the files beside them. */
async function readForm(request, url) {
  const raw = await readBody(request, MAX_BODY);
  const fields = [...url.searchParams];
  const files = {};
  if (raw.length > 0) {
    const body = await new Response(raw, { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData();
    for (const [name, value] of body) {
      if (typeof value === 'string') fields.push([name, value]);
      else files[name] = Buffer.from(await value.arrayBuffer());
    }
  }
  return { fields, files, headers: request.headers, get: (name) => fields.find(([each]) => each === name)?.[1] };
}

const notHere = (path) => ({ status: 404, json: { stat: 'fail', msg: `${mark}: ${path} is not played here` } });

function unexpected(error) {
  if (error instanceof TooLarge) return { status: 413, json: { stat: 'fail', msg: `${mark}: ${error.message}` } };
  if (error instanceof SyntaxError || error instanceof TypeError) return { status: 400, json: { stat: 'fail', msg: `${mark}: ${error.message}` } };
  console.error('stand-in:', error);
  return { status: 500, json: { stat: 'fail', msg: `${mark}: internal error` } };
}

function answer(response, reply) {
  if (reply.hang) return;
  if (reply.cut) response.socket?.destroy();
  else if (reply.png) send(response, 200, 'image/png', reply.png);
  else if (reply.html) sendHtml(response, reply.status, reply.html);
  else sendMarked(response, reply.status ?? 200, reply.json, mark);
}
