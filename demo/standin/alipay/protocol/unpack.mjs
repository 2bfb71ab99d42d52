// Reads what the vendor's tool sends: for an upload dist.amr, a zip with one tar of sources; for a preview the tar itself.
import { inflateRawSync } from 'node:zlib';

const MAX_UNPACKED = 256 * 1024 * 1024;
const END_OF_ZIP = 0x06054b50;
const ENTRY = 0x02014b50;
const BLOCK = 512;

export class BadPackage extends Error {}

/** @returns {Map<string, Buffer>} plain files by name, in the package's order */
export function unpack(raw) {
  try {
    return readTar(raw.readUInt32LE(0) === 0x04034b50 ? onlyEntry(raw) : raw);
  } catch (error) {
    if (error instanceof RangeError || error.code?.startsWith('Z_')) throw new BadPackage(`it ends too early or is damaged: ${error.message}`);
    throw error;
  }
}

/** The central directory knows the sizes; the entry's own header may come before they were known. */
function onlyEntry(zip) {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== END_OF_ZIP) end -= 1;
  if (end < 0) throw new BadPackage('the zip has no directory');
  const count = zip.readUInt16LE(end + 10);
  const at = zip.readUInt32LE(end + 16);
  if (count !== 1 || zip.readUInt32LE(at) !== ENTRY) throw new BadPackage(`one entry is expected in the zip, not ${count}`);
  const [method, packed, name] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20), zip.toString('utf8', at + 46, at + 46 + zip.readUInt16LE(at + 28))];
  if (!name.endsWith('.tar')) throw new BadPackage(`a tar is expected in the zip, not ${name}`);
  const local = zip.readUInt32LE(at + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const data = zip.subarray(start, start + packed);
  return method === 0 ? data : inflateRawSync(data, { maxOutputLength: MAX_UNPACKED });
}

function readTar(tar) {
  const files = new Map();
  let longName = null;
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    at += BLOCK;
    if (header[0] === 0 && header.every((byte) => byte === 0)) continue;
    const size = Number.parseInt(text(header, 124, 12).trim() || '0', 8);
    if (!Number.isSafeInteger(size) || size < 0 || at + size > tar.length) throw new BadPackage('an entry leaves the tar');
    const content = tar.subarray(at, at + size);
    at += Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156]);
    if (type === 'x' || type === 'g') {
      longName = paxPath(content) ?? longName;
      continue;
    }
    const prefix = text(header, 345, 155);
    const name = longName ?? (prefix ? `${prefix}/${text(header, 0, 100)}` : text(header, 0, 100));
    longName = null;
    if (type === '1' || type === '2') throw new BadPackage(`${name} is a link`);
    if (type !== '0' && type !== '\0') continue;
    if (name.startsWith('/') || name.split('/').includes('..')) throw new BadPackage(`${name} leaves the package`);
    files.set(name.replace(/^\.\//, ''), content);
  }
  return files;
}

function text(buffer, start, length) {
  const slice = buffer.subarray(start, start + length);
  const end = slice.indexOf(0);
  return slice.toString('utf8', 0, end === -1 ? slice.length : end);
}

const paxPath = (content) => /^\d+ path=(.*)$/m.exec(content.toString('utf8'))?.[1];
