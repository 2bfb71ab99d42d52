// Reads a QR code as a phone's camera would: from the pixels on the screen, not from the file behind them.

import jsqr from 'jsqr';
import { PNG } from 'pngjs';

/** → the text of the code that `image` shows, or null. */
export async function scan(image) {
  const { data, width, height } = PNG.sync.read(await image.screenshot());
  return jsqr(new Uint8ClampedArray(data), width, height)?.data ?? null;
}
