// Draws a text as a QR code in a PNG: the vendor answers with the address of a picture, never with the picture.
import qrcode from 'qrcode';

export const qrPng = (text) => qrcode.toBuffer(text, { type: 'png', errorCorrectionLevel: 'M', margin: 4, width: 430 });
