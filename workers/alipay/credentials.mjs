// Reads the two credentials as deliver gets them, so that a damaged key is named before anything is asked of the vendor.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';

/** → {toolId, privateKey}: what the tool is configured with, the key as PKCS#8 PEM. */
export function readCredentials(secrets) {
  const toolId = read(secrets, 'tool_id').trim();
  if (toolId === '') throw new Failure('tool_id_missing', 'the tool id of this program is not configured');
  const text = read(secrets, 'private_key').replace(/^\ufeff/, '').trim();
  if (text === '') throw new Failure('private_key_missing', 'the private key of this program is not configured');
  return { toolId, privateKey: pkcs8(text) };
}

function pkcs8(text) {
  if (/-----BEGIN (?:RSA )?PUBLIC KEY-----|-----BEGIN CERTIFICATE-----/.test(text)) throw new Failure('key_is_public', 'a public key or certificate is configured, not the private key');
  try {
    const key = createPrivateKey(text.includes('-----BEGIN') ? text : { key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
    if (key.asymmetricKeyType !== 'rsa') throw new Failure('key_unreadable', `an RSA key is needed, this one is ${key.asymmetricKeyType}`);
    return key.export({ type: 'pkcs8', format: 'pem' });
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('key_unreadable', `the private key cannot be read: ${error.message}`);
  }
}

function read(secrets, name) {
  try {
    return readFileSync(join(secrets, name), 'utf8');
  } catch {
    return '';
  }
}
