// Verifies what the vendor's tool signs: the sorted fields of a request, RSA-SHA256, base64 in the header `sign`.
import { createPublicKey, createPrivateKey, createHash, createVerify } from 'node:crypto';

// Added after signing.
const UNSIGNED = new Set(['toolId', 'toolType']);

/** Accepts a public or a private key in PEM, or a bare base64 PKCS#8 as the vendor hands it out; gives the public part back. */
export function publicPart(text) {
  const plain = text.replace(/^\uFEFF/, '').trim();
  const key = plain.includes('-----BEGIN') ? createPublicKey(plain) : createPublicKey(createPrivateKey({ key: Buffer.from(plain, 'base64'), format: 'der', type: 'pkcs8' }));
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`an RSA key is needed, this one is ${key.asymmetricKeyType}`);
  return key.export({ type: 'spki', format: 'pem' });
}

export function fingerprint(publicPem) {
  const der = createPublicKey(publicPem).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('base64').replace(/=+$/, '')}`;
}

/** `fields` is [[name, text]] without files. */
export const signedText = (fields) =>
  fields
    .filter(([name]) => !UNSIGNED.has(name))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** @returns {string|null} what is wrong, or null */
export function flaw({ app, fields, headers }) {
  if (!app.publicKey) return 'no key is registered for this app id';
  const toolId = fields.find(([name]) => name === 'toolId')?.[1];
  if (toolId !== app.toolId) return 'the toolId is not the registered one';
  if (headers.signtype !== 'SHA256WithRSA') return 'the header signType is missing';
  const verify = createVerify('RSA-SHA256').update(signedText(fields));
  if (!verify.verify(app.publicKey, String(headers.sign ?? ''), 'base64')) return 'the signature was not made with the registered key';
  return null;
}
