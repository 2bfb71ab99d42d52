// Names a QR image by what it is, not by what the vendor calls it. Knows nothing else.

const LIMIT = 1024 * 1024;

/** "qr.jpg", "qr.png", or null when the bytes are neither, or too many. */
export function qrName(bytes) {
  if (bytes.length > LIMIT) return null;
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'qr.jpg';
  if (bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))) return 'qr.png';
  return null;
}
