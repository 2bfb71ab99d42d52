// A small wgt as the compiler's output is packed, by a plain zip of our own: files are stored, not compressed.

import { crc32 } from 'node:zlib';

export const appId = '__UNI__BROWSER1';

/** → {name, mimeType, buffer}, as forms take a file. */
export function wgt(version, code, id = appId) {
  const manifest = JSON.stringify({ id, name: '港口', version: { name: version, code: String(code) } });
  const buffer = zip([['manifest.json', Buffer.from(manifest)], ['app-service.js', Buffer.from('/* tides */')]]);
  return { name: `${version}.wgt`, mimeType: 'application/octet-stream', buffer };
}

function zip(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, content] of files) {
    const path = Buffer.from(name);
    // What both headers share: version needed, flags, method, time, date, checksum, sizes, lengths of name and extra.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(path.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), common, path, content);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, path);
    at += 30 + path.length + content.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}
