// Signs in with what the program has: a token, or an account of the old kind. Secrets go to the tool in memory; none stays on disk.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';

/** → {token} or {email, password}: the first complete set counts. */
export function readCredential(dir) {
  const token = read(dir, 'token');
  if (token !== '') return { token };
  const [email, password] = [read(dir, 'email'), read(dir, 'password')];
  if (email !== '' && password !== '') return { email, password };
  throw new Failure('credential_missing', 'this program has neither a token nor an e-mail address with its password');
}

export async function signIn({ tma, home }, appId, credential) {
  try {
    // "appid": with the README's "appId" the token is not found later.
    if (credential.token !== undefined) tma.setAppConfig({ appid: appId, config: { token: credential.token } });
    else await tma.loginByEmail(credential);
  } finally {
    // The tool keeps both in memory and reads its files only when it has nothing there.
    rmSync(join(home, '.tma-cli'), { recursive: true, force: true });
  }
}

function read(dir, name) {
  try {
    return readFileSync(join(dir, name), 'utf8').replace(/^\ufeff/, '').trim();
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}
