// Reads the package that the vendor's CLI uploads: gzip around an index of names and the files' bytes.
import { gunzipSync } from 'node:zlib';

const HEADER = 14; // BE, i32 version, i32 index length, i32 data length, ED
const MAX_UNPACKED = 256 * 1024 * 1024;

export class BadPackage extends Error {}

/** @returns {Map<string, Buffer>} names without the leading slash, in the package's order */
export function unpack(gzipped) {
  let raw;
  try {
    raw = gunzipSync(gzipped, { maxOutputLength: MAX_UNPACKED });
  } catch (error) {
    throw new BadPackage(`not a gzip stream of a sane size: ${error.message}`);
  }
  try {
    return readIndex(raw);
  } catch (error) {
    if (error instanceof RangeError) throw new BadPackage('the index ends too early');
    throw error;
  }
}

function readIndex(raw) {
  if (raw[0] !== 0xbe || raw[13] !== 0xed) throw new BadPackage('the header marks are missing');
  const indexLength = raw.readInt32BE(5);
  const dataLength = raw.readInt32BE(9);
  const dataStart = HEADER + indexLength;
  if (indexLength < 4 || dataLength < 0 || dataStart + dataLength !== raw.length) {
    throw new BadPackage('the lengths do not add up');
  }
  const count = raw.readInt32BE(HEADER);
  const files = new Map();
  let at = HEADER + 4;
  const int = () => {
    const value = raw.readInt32BE(at);
    at += 4;
    return value;
  };
  for (let i = 0; i < count; i++) {
    const nameLength = int();
    if (nameLength < 1 || at + nameLength > dataStart) throw new BadPackage('a name leaves the index');
    const name = raw.toString('utf8', at, at + nameLength);
    at += nameLength;
    const offset = int();
    const size = int();
    if (!name.startsWith('/')) throw new BadPackage(`the name ${name} has no leading slash`);
    if (size < 0 || offset < dataStart || offset + size > raw.length) {
      throw new BadPackage(`${name} leaves the data`);
    }
    files.set(name.slice(1), raw.subarray(offset, offset + size));
  }
  if (at !== dataStart) throw new BadPackage('the index is longer than its entries');
  return files;
}
