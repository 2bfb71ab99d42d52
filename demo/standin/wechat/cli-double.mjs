// Plays the CLI's side of the protocol for the tests: signs, packs and sends as `miniprogram-ci` does.
import { constants, privateEncrypt } from 'node:crypto';
import { request } from 'node:https';
import { gzipSync } from 'node:zlib';

export function pack(files) {
  const entries = Object.entries(files).map(([name, content]) => [Buffer.from(`/${name}`), Buffer.from(content)]);
  const indexLength = 4 + entries.reduce((sum, [name]) => sum + 12 + name.length, 0);
  const dataLength = entries.reduce((sum, [, content]) => sum + content.length, 0);
  let offset = 14 + indexLength;
  const index = [int(entries.length)];
  for (const [name, content] of entries) {
    index.push(int(name.length), name, int(offset), int(content.length));
    offset += content.length;
  }
  const header = [Buffer.of(0xbe), int(0), int(indexLength), int(dataLength), Buffer.of(0xed)];
  return gzipSync(Buffer.concat([...header, ...index, ...entries.map(([, content]) => content)]));
}

function int(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export class CliDouble {
  constructor({ port, ca, appid, privateKey }) {
    Object.assign(this, { port, ca, appid, privateKey });
  }

  async randomString() {
    const reply = await this.post('/wxa/ci/getrandstr', { appid: this.appid, clientRand: 1 });
    return reply.json.data.randomString;
  }

  async signature(randomString) {
    const text = JSON.stringify({ appid: this.appid, rand_str: randomString ?? (await this.randomString()) });
    const key = { key: this.privateKey, padding: constants.RSA_PKCS1_PADDING };
    return privateEncrypt(key, Buffer.from(text)).toString('base64');
  }

  async attributes(signature) {
    return this.post('/wxa/ci/getattr', { appid: this.appid, signature: signature ?? (await this.signature()) });
  }

  async deliver(kind, files, { signature, version = '1.2.3', desc = 'a test', robot = 7, launch = { scene: 1011 }, ...more } = {}) {
    const signed = { signature: signature ?? (await this.signature()), version: '2.1.42' };
    const query = new URLSearchParams({
      _r: String(Math.random()),
      codeprotect: 0,
      type: 'miniProgram',
      appid: this.appid,
      version,
      desc,
      robot,
      debugLaunchInfo: JSON.stringify(launch),
      ...more,
    });
    const body = pack({ ...files, 'ci.signature': JSON.stringify(signed) });
    return this.send('POST', `/wxa/ci/${kind === 'preview' ? 'testSourceURL' : 'upload'}?${query}`, body);
  }

  post(path, value) {
    return this.send('POST', path, JSON.stringify(value), { 'content-type': 'application/json' });
  }

  send(method, path, body, headers = {}) {
    const options = { host: '127.0.0.1', servername: 'servicewechat.com', port: this.port, ca: this.ca, method, path, headers, agent: false };
    return new Promise((done, fail) => {
      const call = request(options, async (response) => {
        const text = (await response.toArray()).join('');
        let json = null;
        try {
          json = JSON.parse(text);
        } catch {}
        done({ status: response.statusCode, text, json });
      });
      call.setTimeout(2000, () => call.destroy(new Error('no answer')));
      call.once('error', fail);
      call.end(body);
    });
  }
}
