// Draws a picture that looks like a QR code and says nothing: the three corner squares and no data. Needs no package.

import { crc32, deflateSync } from 'node:zlib';

const MODULES = 21; // as in the smallest QR code
const MARGIN = 4;
const SCALE = 8; // pixels a module
const PIXELS = (MODULES + 2 * MARGIN) * SCALE;

/** → a grey PNG */
export function drawQr() {
  const rows = [];
  for (let y = 0; y < PIXELS; y += 1) {
    // A row starts with its filter, 0 for none.
    const row = Buffer.alloc(1 + PIXELS, 255).fill(0, 0, 1);
    for (let x = 0; x < PIXELS; x += 1) if (isDark(module(x), module(y))) row[1 + x] = 0;
    rows.push(row);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(PIXELS, 0);
  header.writeUInt32BE(PIXELS, 4);
  header[8] = 8; // bits a pixel; all other fields are 0: grey, not interlaced
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))]);
}

const module = (pixel) => Math.floor(pixel / SCALE) - MARGIN;

/** A ring of one module, a gap, and a block of three, in every corner but the lower right. */
function isDark(x, y) {
  const corners = [[3, 3], [MODULES - 4, 3], [3, MODULES - 4]];
  const rings = corners.map(([cx, cy]) => Math.max(Math.abs(x - cx), Math.abs(y - cy)));
  return rings.some((ring) => ring <= 3 && ring !== 2);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'ascii'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
