// Draws the QR code of a short address: the tool's own picture has no background. Knows nothing else.

import qrcode from 'qrcode';

const QUIET = 4; // modules of white around it, as the QR standard asks
const SIDE = 430; // pixels

/** → a PNG, black on white */
export const drawQr = (url) => qrcode.toBuffer(url, { type: 'png', errorCorrectionLevel: 'M', margin: QUIET, width: SIDE });
