// Keeps the picture of a QR code: the vendor gives only its address, and who looks at a release should need no other server.

import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { writeWhole } from '../lib/result.mjs';
import { fetchPicture } from './fetch.mjs';

const JPEG = Buffer.from([0xff, 0xd8, 0xff]);
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Saves the picture at `url` in `out`. → {qr, qr_url} */
export async function keepQr(url, out) {
  if (typeof url !== 'string' || !/^https:\/\/\S{1,2000}$/.test(url)) throw new Failure('no_qrcode', "the vendor's answer has no address of a QR code");
  let bytes;
  try {
    bytes = await fetchPicture(url);
  } catch (error) {
    throw new Failure('qr_unavailable', `the QR code's picture could not be fetched: ${error.message}; it is at ${url}`);
  }
  const qr = bytes.subarray(0, 3).equals(JPEG) ? 'qr.jpg' : bytes.subarray(0, 8).equals(PNG) ? 'qr.png' : null;
  if (qr === null) throw new Failure('qr_unavailable', `what is at the QR code's address is neither JPEG nor PNG; it is at ${url}`);
  writeWhole(join(out, qr), bytes);
  return { qr, qr_url: url };
}
