// A double of the vendor's tool for the stand-in's own tests: signs and packs as minidev does, with nothing of its code.
import { createSign, generateKeyPairSync } from 'node:crypto';
import { request } from 'node:https';
import { deflateRawSync } from 'node:zlib';
import { signedText } from './protocol/signature.mjs';

export function tar(files) {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write('0', 156);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** A zip with one entry, its sizes only in the directory, as a streaming writer leaves it. */
export function zip(name, content) {
  const packed = deflateRawSync(content);
  const local = Buffer.alloc(30 + name.length);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  local.write(name, 30);
  const entry = Buffer.alloc(46 + name.length);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(packed.length, 20);
  entry.writeUInt32LE(content.length, 24);
  entry.writeUInt16LE(name.length, 28);
  entry.write(name, 46);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length, 12);
  end.writeUInt32LE(local.length + packed.length, 16);
  return Buffer.concat([local, packed, entry, end]);
}

export class ToolDouble {
  constructor({ port, ca, appid, toolId }) {
    Object.assign(this, { port, ca, appid, toolId });
    this.privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  }

  get pem() {
    return this.privateKey.export({ type: 'pkcs8', format: 'pem' });
  }

  lastVersion = (more) => this.call('GET', '/cli/miniapp/appUploadDetail.json', {}, undefined, more);
  poll = (packageId) => this.call('POST', '/cli/miniapp/pullingUploadCode.json', { packageId });
  upload = (files, version, more) => this.call('POST', '/cli/miniapp/uploadCode.json', { packageVersion: version, remark: 'a test', extraInfo: '{"a":1}' }, zip('dist.tar', tar(files)), more);
  preview = (files, launchParams) => this.call('POST', '/cli/miniapp/preview.json', { needSync: 'false', extendInfo: JSON.stringify({ launchParams }) }, tar(files));

  async call(method, path, given, file, { sign, toolId = this.toolId } = {}) {
    const fields = Object.entries({ appId: this.appid, clientType: 'alipay', ...given });
    const headers = { signtype: 'SHA256WithRSA', sign: sign ?? createSign('RSA-SHA256').update(signedText(fields)).sign(this.privateKey, 'base64') };
    const sent = [...fields, ['toolId', toolId], ['toolType', 'CLI']];
    if (method === 'GET') return this.send(method, `${path}?${new URLSearchParams(sent)}`, headers);
    const form = new FormData();
    for (const [name, value] of sent) form.append(name, value);
    if (file) form.append('packageFile', new Blob([file]), 'dist.amr');
    const body = new Response(form);
    return this.send(method, path, { ...headers, 'content-type': body.headers.get('content-type') }, Buffer.from(await body.arrayBuffer()));
  }

  send(method, path, headers = {}, body, host = 'ideservice.alipay.com') {
    const options = { host: '127.0.0.1', servername: host, port: this.port, ca: this.ca, method, path, headers, agent: false };
    return new Promise((done, fail) => {
      const call = request(options, async (response) => {
        const raw = Buffer.concat(await response.toArray());
        let json = null;
        try {
          json = JSON.parse(raw);
        } catch {}
        done({ status: response.statusCode, type: response.headers['content-type'], raw, json });
      });
      call.setTimeout(2000, () => call.destroy(new Error('no answer')));
      call.once('error', fail);
      call.end(body);
    });
  }
}
