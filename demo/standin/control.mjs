// The control side: how a demo or a test registers apps, steers them and looks at what arrived. Loopback and bridge only.
import { readBody, send, sendHtml, sendJson, TooLarge } from './http.mjs';
import { isAppId } from './state.mjs';
import { vendors } from './vendors.mjs';
import { notice, page } from './words.mjs';

const MAX_BODY = 64 * 1024;

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function controlHandler(state) {
  const vendorOf = (app) => vendors[app.vendor];
  const about = (app) => ({
    appid: app.appid,
    vendor: app.vendor,
    ...vendorOf(app).about(app),
    scenario: app.scenario,
    whitelist: app.whitelist,
    uploads: app.uploads.length,
  });

  /** Runs a vendor's own reading of a body; its complaint is the caller's fault. */
  function read(action) {
    try {
      return action();
    } catch (error) {
      throw new Refusal(400, error.message);
    }
  }

  function register(appid, id, body) {
    if (!Object.hasOwn(vendors, id)) throw new Refusal(400, `no such vendor: ${id}; there are: ${Object.keys(vendors).join(', ')}`);
    return about(state.update(appid, { vendor: id, ...read(() => vendors[id].register(body)) }));
  }

  function setScenario(appid, text) {
    const name = text.trim();
    const { scenarios } = vendorOf(state.app(appid));
    if (!Object.hasOwn(scenarios, name)) {
      throw new Refusal(400, `no such scenario: ${name}; there are: ${Object.keys(scenarios).join(', ')}`);
    }
    return about(state.update(appid, { scenario: name }));
  }

  // One address a line or separated by commas; nothing switches the check off.
  const setWhitelist = (appid, text) => about(state.update(appid, { whitelist: text.split(/[\s,]+/).filter(Boolean) }));

  function packedFile(appid, index, name) {
    if (!state.app(appid).uploads[index]) throw new Refusal(404, 'no such package');
    const content = vendorOf(state.app(appid)).files(state.package(appid, Number(index))).get(name);
    if (!content) throw new Refusal(404, 'no such file in this package');
    return { raw: content };
  }

  function route(method, path, query, body) {
    const [, area, appid, topic, index, files, ...name] = path;
    if (method === 'GET' && area === 'healthz') return { status: 'ok', standin: notice.en };
    if (method === 'GET' && area === 'requests') return state.requests();
    if (area !== 'apps' || !isAppId(appid)) return null;
    if (method === 'PUT') {
      if (topic === undefined) return register(appid, query.get('vendor') ?? 'wechat', body);
      if (topic === 'scenario') return setScenario(appid, body);
      if (topic === 'whitelist') return setWhitelist(appid, body);
      const own = vendorOf(state.app(appid)).topics?.[topic];
      if (own) return about(state.update(appid, read(() => own(body.trim()))));
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
      const url = new URL(request.url, 'http://stand-in.invalid');
      const path = url.pathname.split('/').map(decodeURIComponent);
      if (request.method === 'GET' && path.join('/') === '/') return sendHtml(response, 200, page());
      const body = (await readBody(request, MAX_BODY)).toString('utf8');
      const result = route(request.method, path, url.searchParams, body);
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
