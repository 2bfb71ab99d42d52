// The vendors that are played, and which of their hosts a request is for.
//
// A vendor is one folder whose module gives:
//   id               its name in control calls and in hosts.mjs: all host names are answered on one TLS port
//   scenarios        by name, the ways in which it can misbehave; `ok` is one of them
//   register(body)   what to remember of an app from the body of PUT /apps/{appid}?vendor=ID; throws on a useless one
//   about(app)       what GET /apps/{appid} shows beside scenario and uploads: no secret
//   topics           by name, text → changes: further things that PUT /apps/{appid}/TOPIC may set
//   files(package)   an accepted package as Map(name → Buffer)
//   handler(state)   answers a request; tells state.saw and state.accept
import { alipay } from './alipay/vendor.mjs';
import { bytedance } from './bytedance/vendor.mjs';
import { hosts } from './hosts.mjs';
import { sendJson } from './http.mjs';
import { wechat } from './wechat/vendor.mjs';

export const vendors = { wechat, alipay, bytedance };

/** By the name in the TLS greeting, which also a tunnel's client gives; else by the Host header. */
export function vendorHandler(state) {
  const byHost = new Map();
  for (const vendor of Object.values(vendors)) {
    const handle = vendor.handler(state);
    for (const host of hosts[vendor.id]) byHost.set(host, handle);
  }
  return (request, response) => {
    const named = request.socket.servername || (request.headers.host ?? '').replace(/:\d+$/, '');
    const handle = byHost.get(named);
    if (handle) return handle(request, response);
    return sendJson(response, 421, { standin: `nobody here plays ${named}` });
  };
}
