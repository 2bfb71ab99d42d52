// Draws a text as a QR code and gives it as a base64 JPEG, the form in which the vendor sends its own.
import jpeg from 'jpeg-js';
import qrcode from 'qrcode';

const QUIET = 4; // modules of white around the code, as the QR standard asks
const MIN_SIDE = 430; // pixels; large enough to be read from a screen across a desk

export function qrJpeg(text) {
  const { modules } = qrcode.create(text, { errorCorrectionLevel: 'M' });
  const across = modules.size + 2 * QUIET;
  const scale = Math.ceil(MIN_SIDE / across);
  const side = across * scale;
  const data = Buffer.alloc(side * side * 4, 0xff);
  for (let row = 0; row < modules.size; row++) {
    for (let column = 0; column < modules.size; column++) {
      if (!modules.get(row, column)) continue;
      for (let y = (row + QUIET) * scale; y < (row + QUIET + 1) * scale; y++) {
        const start = (y * side + (column + QUIET) * scale) * 4;
        for (let i = start; i < start + scale * 4; i += 4) data.fill(0, i, i + 3);
      }
    }
  }
  return jpeg.encode({ data, width: side, height: side }, 90).data.toString('base64');
}
