// The vendor's side of the protocol: what `miniprogram-ci` asks, answered as far as its behaviour is publicly known.
import { callerAddress, readBody, sendHtml, sendMarked, TooLarge } from '../http.mjs';
import { layoutOf } from './protocol/layout.mjs';
import { qrJpeg } from './protocol/qr.mjs';
import { fingerprint, flaw, publicPart, RandomStrings } from './protocol/signature.mjs';
import { packageSizes, plugins } from './protocol/sizes.mjs';
import { BadPackage, unpack } from './protocol/unpack.mjs';
import { badPackage, badSignature, fileNotFound, invalidIp, scenarios, sizeRefusal } from './scenarios.mjs';
import { isAppId } from '../state.mjs';
import { markOf, page, qrText } from '../words.mjs';

const NAME = { zh: '微信', en: 'WeChat' };
const mark = markOf(NAME);
const MAX_BODY = 64 * 1024 * 1024;

const ATTRIBUTES = {
  platform: false,
  appType: 0,
  gameApp: false,
  isSandbox: false,
  released: false,
  setting: {
    MaxCodeSize: 2,
    MaxSubpackageSubCodeSize: 2,
    MaxSubpackageFullCodeSize: 12,
    NavigateMiniprogramLimit: 10,
    MaxSubPackageLimit: 100,
    MinTabbarCount: 2,
    MaxTabbarCount: 5,
    MaxCustomTabbarCount: 10,
    MaxTabbarIconSize: 40,
  },
};

const ok = (more) => ({ json: { errCode: 0, errMsg: 'ok', ...more } });

/** What the stand-in's core asks of a vendor; see ../vendors.mjs. */
export const wechat = {
  id: 'wechat',
  scenarios,
  register: (body) => ({ publicKey: publicPart(body) }),
  about: ({ publicKey, kind = 'miniprogram' }) => ({ fingerprint: publicKey && fingerprint(publicKey), kind }),
  topics: { kind: (name) => ({ kind: oneOf(['miniprogram', 'game'], name) }) },
  files: unpack,
  handler,
};

function oneOf(names, name) {
  if (!names.includes(name)) throw new Error(`one of ${names.join(', ')}, not: ${name}`);
  return name;
}

function handler(state) {
  const randoms = new RandomStrings();

  function getrandstr({ appid, hooks }) {
    return hooks.getrandstr?.() ?? ok({ data: { randomString: randoms.issue(appid) } });
  }

  function getattr({ appid, app, body, hooks }) {
    const wrong = flaw({ appid, publicKey: app.publicKey, signature: body.signature, randoms });
    if (wrong) return badSignature(wrong);
    return hooks.getattr?.() ?? ok({ data: { ...ATTRIBUTES, gameApp: app.kind === 'game' } });
  }

  function deliver(kind, { appid, app, raw, query, ip, hooks }) {
    const early = hooks.connection?.();
    if (early) return early;

    let files;
    try {
      files = unpack(raw);
    } catch (error) {
      if (error instanceof BadPackage) return badPackage(error.message);
      throw error;
    }
    const wrong = flaw({ appid, publicKey: app.publicKey, signature: packedSignature(files), randoms });
    if (wrong) return badSignature(wrong);
    if (app.whitelist.length && !app.whitelist.includes(ip)) return invalidIp(ip);

    const layout = layoutOf(query.get('type'), files);
    const refusal = hooks.verdict?.({ ip, app: layout.json });
    if (refusal) return refusal;
    // Seen for app.js: the service looks for what the app id stands for, whatever the package is.
    if (layout.game !== (app.kind === 'game')) return fileNotFound(layout.game ? 'app.js' : 'game.js');
    if (layout.missing) return fileNotFound(layout.missing);
    const sizes = packageSizes(files, layout);
    const oversize = sizeRefusal(sizes, { game: layout.game, bigPreview: kind === 'preview' && query.get('bigPackageSizeSupport') === '1' });
    if (oversize) return oversize;

    const upload = describe(kind, query, raw, files, sizes);
    state.accept(appid, upload, raw);
    const body = { subpackage_info: sizes, ext_plugin_info: plugins(layout.json) };
    const number = state.app(appid).uploads.length;
    if (kind === 'upload' && layout.plugin) body.dev_plugin_id = `dev-standin${number}`;
    if (kind === 'preview') {
      const launch = new URLSearchParams(upload.query ?? {}).toString();
      body.qrcode_img = qrJpeg(qrText(NAME, { appid, number, path: upload.path, query: launch }));
    }
    const receipt = ok({ body });
    return hooks.receipt?.(receipt) ?? receipt;
  }

  const routes = {
    'POST /wxa/ci/getrandstr': getrandstr,
    'POST /wxa/ci/getattr': getattr,
    // Without lists of ours the CLI takes its own.
    'GET /wxa/ci/getwhiteextlist': () => ok({ data: {} }),
    'POST /wxa/ci/upload': (call) => deliver('upload', call),
    'POST /wxa/ci/testSourceURL': (call) => deliver('preview', call),
    // Refused, so that the CLI sends large packages directly instead of through the vendor's object storage.
    'POST /wxa/ci/getmulticosuploadinfo': () => ({ json: { errCode: -1, errMsg: 'stand-in: no object storage here' } }),
    'POST /wxa-dev-logic/clientreportv2': () => ok(),
    'GET /': () => ({ status: 200, html: page() }),
  };

  return async function handle(request, response) {
    const url = new URL(request.url, 'https://stand-in.invalid');
    const ip = callerAddress(request);
    const at = new Date().toISOString();
    const route = routes[`${request.method} ${url.pathname}`];
    let call = {};
    let reply;
    try {
      call = await readCall(request, url, ip, state);
      reply = route ? route(call) : notHere(url.pathname);
    } catch (error) {
      reply = unexpected(error);
    }
    const outcome = reply.hang ? 'hang' : reply.cut ? 'cut' : (reply.json?.errCode ?? reply.status);
    const appid = call.appid ?? null;
    state.saw({ appid, method: request.method, path: url.pathname, ip, outcome, at });
    console.log(`stand-in: ${ip} ${request.method} ${url.pathname} ${appid ?? '-'} -> ${outcome}`);
    answer(response, reply);
  };
}

async function readCall(request, url, ip, state) {
  const raw = await readBody(request, MAX_BODY);
  const isJson = request.headers['content-type']?.startsWith('application/json');
  const body = isJson ? JSON.parse(raw.toString('utf8')) : {};
  const appid = url.searchParams.get('appid') ?? body?.appid;
  const asksForAnApp = url.pathname.startsWith('/wxa/ci/') && request.method === 'POST';
  if ((asksForAnApp || appid !== undefined) && !isAppId(appid)) throw new SyntaxError('the app id is missing or malformed');
  const app = appid === undefined ? null : state.app(appid);
  return { appid, app, raw, body, query: url.searchParams, ip, hooks: scenarios[app?.scenario] ?? {} };
}

function packedSignature(files) {
  try {
    return JSON.parse(files.get('ci.signature').toString('utf8')).signature;
  } catch {
    return undefined;
  }
}

function describe(kind, query, raw, files, sizes) {
  const launch = readLaunch(query.get('debugLaunchInfo'));
  return {
    kind,
    version: query.get('version'),
    desc: query.get('desc'),
    robot: Number(query.get('robot')),
    type: query.get('type'),
    path: launch.path ?? null,
    query: launch.query ?? null,
    scene: launch.scene ?? null,
    bytes: raw.length,
    sizes,
    files: [...files].map(([name, content]) => ({ name, size: content.length })),
    at: new Date().toISOString(),
  };
}

function readLaunch(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const notHere = (path) => ({ status: 404, json: { errCode: -1, errMsg: `${mark}: ${path} is not played here` } });

function unexpected(error) {
  if (error instanceof TooLarge) return { status: 413, json: { errCode: -1, errMsg: `${mark}: ${error.message}` } };
  if (error instanceof SyntaxError) return { status: 400, json: { errCode: -1, errMsg: `${mark}: ${error.message}` } };
  console.error('stand-in:', error);
  return { status: 500, json: { errCode: -1, errMsg: `${mark}: internal error` } };
}

function answer(response, reply) {
  if (reply.hang) return;
  if (reply.cut) response.socket?.destroy();
  else if (reply.html) sendHtml(response, reply.status, reply.html);
  else sendMarked(response, reply.status ?? 200, reply.json, mark);
}
