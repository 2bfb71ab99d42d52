// Unpacks a zip from its directory at the end. Refuses what a package has no business with: links, encryption, names that climb.
import { inflateRawSync } from 'node:zlib';

export class BadPackage extends Error {}

const MAX_BYTES = 256 * 1024 * 1024;
const END = 0x06054b50;
const ENTRY = 0x02014b50;

/** → Map(name → Buffer), folders left out */
export function unzip(zip) {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end === -1 || zip.length < end + 22 || zip.readUInt32LE(end) !== END) throw new BadPackage('not a zip file');
  const files = new Map();
  let at = zip.readUInt32LE(end + 16);
  let total = 0;
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const entry = readEntry(zip, at);
    at = entry.next;
    if (entry.name.endsWith('/')) continue;
    total += entry.size;
    if (total > MAX_BYTES) throw new BadPackage('too many bytes');
    files.set(entry.name, content(zip, entry, MAX_BYTES));
  }
  return files;
}

function readEntry(zip, at) {
  if (zip.length < at + 46 || zip.readUInt32LE(at) !== ENTRY) throw new BadPackage('a broken directory');
  const [nameLength, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
  const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
  const unixType = (zip.readUInt32LE(at + 38) >>> 16) & 0o170000;
  if (unixType === 0o120000) throw new BadPackage(`${name} is a symbolic link`);
  if (zip.readUInt16LE(at + 8) & 1) throw new BadPackage(`${name} is encrypted`);
  if (name.startsWith('/') || name.split('/').includes('..')) throw new BadPackage(`${name} leads out of the package`);
  return {
    name,
    method: zip.readUInt16LE(at + 10),
    packed: zip.readUInt32LE(at + 20),
    size: zip.readUInt32LE(at + 24),
    header: zip.readUInt32LE(at + 42),
    next: at + 46 + nameLength + extra + comment,
  };
}

function content(zip, { name, method, packed, size, header }, max) {
  // The local header's name and extra field may have other lengths than the directory's.
  const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
  const bytes = zip.subarray(start, start + packed);
  if (method !== 0 && method !== 8) throw new BadPackage(`${name} is packed in an unknown way`);
  const plain = method === 8 ? inflateRawSync(bytes, { maxOutputLength: max }) : bytes;
  if (plain.length !== size) throw new BadPackage(`${name} has another size than it says`);
  return plain;
}
