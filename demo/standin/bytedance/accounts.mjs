// Who may upload: a token of one app, or an account signed in by e-mail. Keeps digests only.
import { createHash, randomBytes } from 'node:crypto';

const digest = (...parts) => createHash('sha256').update(['sampan stand-in', ...parts].join('\0')).digest('hex');

/** The CLI's way of writing e-mail address and password: each character XOR 5, in hexadecimal. */
export const unmix = (hex) => Buffer.from(String(hex ?? ''), 'hex').map((byte) => byte ^ 5).toString('utf8');

/** From a registration's JSON → {token?, account?}, digests of what was given. */
export function readRegistration(body) {
  let given;
  try {
    given = JSON.parse(body);
  } catch {
    throw new Error('the body must be JSON: {"token":"…"} and/or {"email":"…","password":"…"}');
  }
  const { token, email, password } = given ?? {};
  const text = (value) => typeof value === 'string' && value !== '';
  if (!text(token) && !(text(email) && text(password))) throw new Error('a token, or an e-mail address with its password, is needed');
  if (text(email) && text(password)) known.set(digest(email), digest(email, password));
  return { token: text(token) ? digest(token) : undefined, account: text(email) ? digest(email, password) : undefined };
}

// Since this process started. An account from before it may sign in with any password, but then reaches none of its apps.
const known = new Map();
const sessions = new Map();

/** → a session, or null. */
export function signIn(email, password) {
  const account = digest(email, password);
  if ((known.get(digest(email)) ?? account) !== account) return null;
  const session = randomBytes(16).toString('hex');
  sessions.set(session, account);
  return session;
}

export const sessionOf = (headers) => /sessionid_microapp=([0-9a-f]+)/.exec(headers.cookie ?? '')?.[1];
export const isSession = (session) => sessions.has(session);

/** Null when the request may speak for the app, else what is wrong. */
export function flaw(app, headers) {
  if (!app.token && !app.account) return `no credential is registered for ${app.appid}`;
  const token = headers['x-cli-token'];
  if (token !== undefined) {
    if (headers['x-cli-appid'] !== app.appid) return 'the token is sent for another app';
    return app.token === digest(token) ? null : 'this is not the token of the app';
  }
  const session = sessionOf(headers);
  if (session === undefined) return 'nobody is signed in';
  return app.account !== undefined && sessions.get(session) === app.account ? null : 'this account has no rights to the app';
}
