// The control side: how a demo or a test registers apps, steers them and looks at what arrived. Loopback and bridge only.
import { readBody, send, sendHtml, sendJson, TooLarge } from './http.mjs';
import { fingerprint, publicPart } from './protocol/signature.mjs';
import { unpack } from './protocol/unpack.mjs';
import { scenarios } from './scenarios.mjs';
import { isAppId } from './state.mjs';
import { notice, page } from './words.mjs';

const MAX_BODY = 64 * 1024;

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function controlHandler(state) {
  const about = ({ appid, publicKey, kind, scenario, whitelist, uploads }) => ({
    appid,
    fingerprint: publicKey && fingerprint(publicKey),
    kind,
    scenario,
    whitelist,
    uploads: uploads.length,
  });

  function register(appid, pem) {
    try {
      return about(state.update(appid, { publicKey: publicPart(pem) }));
    } catch (error) {
      throw new Refusal(400, `not a usable PEM key: ${error.message}`);
    }
  }

  function setScenario(appid, text) {
    const name = text.trim();
    if (!Object.hasOwn(scenarios, name)) {
      throw new Refusal(400, `no such scenario: ${name}; there are: ${Object.keys(scenarios).join(', ')}`);
    }
    return about(state.update(appid, { scenario: name }));
  }

  function setKind(appid, text) {
    const kind = text.trim();
    if (kind !== 'miniprogram' && kind !== 'game') throw new Refusal(400, `an app is a miniprogram or a game, not: ${kind}`);
    return about(state.update(appid, { kind }));
  }

  // One address a line or separated by commas; nothing switches the check off.
  const setWhitelist = (appid, text) => about(state.update(appid, { whitelist: text.split(/[\s,]+/).filter(Boolean) }));

  function packedFile(appid, index, name) {
    if (!state.app(appid).uploads[index]) throw new Refusal(404, 'no such package');
    const content = unpack(state.package(appid, Number(index))).get(name);
    if (!content) throw new Refusal(404, 'no such file in this package');
    return { raw: content };
  }

  function route(method, path, body) {
    const [, area, appid, topic, index, files, ...name] = path;
    if (method === 'GET' && area === 'healthz') return { status: 'ok', standin: notice.en };
    if (method === 'GET' && area === 'requests') return state.requests();
    if (area !== 'apps' || !isAppId(appid)) return null;
    if (method === 'PUT') {
      if (topic === undefined) return register(appid, body);
      if (topic === 'kind') return setKind(appid, body);
      if (topic === 'scenario') return setScenario(appid, body);
      if (topic === 'whitelist') return setWhitelist(appid, body);
    }
    if (method !== 'GET') return null;
    if (topic === undefined) return about(state.app(appid));
    if (topic === 'requests') return state.requests(appid);
    if (topic !== 'uploads') return null;
    if (index === undefined) return state.app(appid).uploads;
    if (!/^\d+$/.test(index) || files !== 'files') return null;
    return packedFile(appid, index, name.join('/').replace(/^\//, ''));
  }

  return async function handle(request, response) {
    try {
      const path = new URL(request.url, 'http://stand-in.invalid').pathname.split('/').map(decodeURIComponent);
      if (request.method === 'GET' && path.join('/') === '/') return sendHtml(response, 200, page());
      const body = (await readBody(request, MAX_BODY)).toString('utf8');
      const result = route(request.method, path, body);
      if (!result) throw new Refusal(404, 'nothing here');
      if (result.raw) send(response, 200, 'application/octet-stream', result.raw);
      else sendJson(response, 200, result);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : error instanceof TooLarge ? 413 : error instanceof URIError ? 400 : 500;
      if (status === 500) console.error('stand-in: control:', error);
      sendJson(response, status, { error: status === 500 ? 'internal error' : error.message });
    }
  };
}
