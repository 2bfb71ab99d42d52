// One-time random strings, and the signature that the vendor's CLI makes from them with an app's private key.
import { constants, createHash, createPublicKey, publicDecrypt, randomBytes } from 'node:crypto';

const LIFETIME_MS = 10 * 60 * 1000;
const MAX_WAITING = 10_000;

/** Accepts a public or a private key in PEM; gives the public part back. */
export function publicPart(pem) {
  const key = createPublicKey(pem.replace(/^\uFEFF/, ''));
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`an RSA key is needed, this one is ${key.asymmetricKeyType}`);
  return key.export({ type: 'spki', format: 'pem' });
}

export function fingerprint(publicPem) {
  const der = createPublicKey(publicPem).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('base64').replace(/=+$/, '')}`;
}

export class RandomStrings {
  #waiting = new Map();

  issue(appid) {
    if (this.#waiting.size >= MAX_WAITING) this.#waiting.delete(this.#waiting.keys().next().value);
    const value = randomBytes(16).toString('hex');
    this.#waiting.set(value, { appid, until: Date.now() + LIFETIME_MS });
    return value;
  }

  /** True once for each string, and only for the app it was issued to. */
  use(appid, value) {
    const entry = this.#waiting.get(value);
    if (!entry || entry.appid !== appid) return false;
    this.#waiting.delete(value);
    return entry.until > Date.now();
  }
}

/** @returns {string|null} what is wrong, or null. The string is used up only by a signature that is otherwise right. */
export function flaw({ appid, publicKey, signature, randoms }) {
  if (!publicKey) return `no key is registered for ${appid}`;
  if (typeof signature !== 'string' || !signature) return 'the signature is missing';
  let signed;
  try {
    // The CLI encrypts the JSON itself with the private key (PKCS#1 v1.5, type 1); there is no hash to compare.
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PADDING };
    signed = JSON.parse(publicDecrypt(key, Buffer.from(signature, 'base64')).toString('utf8'));
  } catch {
    return 'the signature was not made with the registered key';
  }
  if (signed?.appid !== appid) return 'the signature is for another app';
  if (!randoms.use(appid, signed.rand_str)) return 'the rand_str was never issued to this app, has expired, or was used before';
  return null;
}
