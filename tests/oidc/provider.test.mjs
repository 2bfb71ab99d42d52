// The tests' OpenID provider, and the walk through it, by the whole code flow as a client sees it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { walk } from './walk.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'oidc-test-'));
const SECRET = 'a secret: with + and %';
const REDIRECT = 'http://127.0.0.1:9/sign-in/oidc/callback';
const ADA = { sub: 'ada', email: 'ada@example.invalid', email_verified: true, name: 'Ada <L>', sampan_role: ['admin', 'ops'] };
const BO = { sub: 'bo', email: 'bo@example.invalid', name: '博', sampan_role: 'viewer' };

let running;
/** A process of its own, as a test in another language starts it. */
async function start(...args) {
  const portFile = join(dir, randomBytes(4).toString('hex'));
  const child = spawn(process.execPath, [here('provider.mjs'), '--port-file', portFile, '--secret', SECRET, '--redirect', REDIRECT, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  for (let i = 0; i < 200 && !existsSync(portFile); i += 1) {
    assert.equal(child.exitCode, null, 'it ended');
    await sleep(50);
  }
  const issuer = `http://127.0.0.1:${readFileSync(portFile, 'utf8').trim()}`;
  const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  return { child, issuer, metadata };
}
const stop = ({ child }) => new Promise((done) => child.once('exit', done).kill());

function ask(changes = {}, { metadata } = running) {
  const verifier = randomBytes(32).toString('base64url');
  const asked = {
    client_id: 'sampan',
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'openid profile email',
    state: randomBytes(16).toString('hex'),
    nonce: randomBytes(16).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  };
  const url = new URL(metadata.authorization_endpoint);
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) url.searchParams.set(name, value);
  return { ...asked, verifier, url: url.href };
}

async function redeem(code, verifier, secret = SECRET) {
  const basic = Buffer.from(['sampan', secret].map(encodeURIComponent).join(':')).toString('base64');
  const response = await fetch(running.metadata.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier }),
  });
  return { status: response.status, ...(await response.json()) };
}

async function signIn(login, changes) {
  const { url, state, nonce, verifier } = ask(changes);
  const back = new URL(await walk(url, login));
  assert.equal(back.searchParams.get('state'), state);
  const tokens = await redeem(back.searchParams.get('code'), verifier);
  assert.equal(tokens.status, 200, JSON.stringify(tokens));
  const keys = createRemoteJWKSet(new URL(running.metadata.jwks_uri));
  const { payload } = await jwtVerify(tokens.id_token, keys, { issuer: running.issuer, audience: 'sampan', algorithms: ['RS256'] });
  assert.equal(payload.nonce, nonce);
  return { claims: payload, tokens };
}

const accounts = join(dir, 'accounts.json');
before(async () => {
  writeFileSync(accounts, JSON.stringify([ADA, BO]));
  running = await start('--accounts', `@${accounts}`);
});
after(async () => {
  await stop(running);
  rmSync(dir, { recursive: true });
});

test('the id_token is signed, and says who somebody is and what the custom claim says', async () => {
  const { claims, tokens } = await signIn('ada');
  for (const [name, value] of Object.entries(ADA)) assert.deepEqual(claims[name], value, name);
  const userinfo = await fetch(running.metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal((await userinfo.json()).email, ADA.email);
  assert.equal((await signIn('bo')).claims.sampan_role, 'viewer');
});

test('fewer scopes give fewer claims', async () => {
  const { claims } = await signIn('ada', { scope: 'openid' });
  assert.equal(claims.email, undefined);
  assert.deepEqual(claims.sampan_role, ADA.sampan_role);
});

test('asking for login and consent anew changes nothing', async () => {
  assert.equal((await signIn('bo', { prompt: 'login consent' })).claims.sub, 'bo');
});

test('an account changed in the file is changed at the next sign-in', async () => {
  writeFileSync(accounts, JSON.stringify([ADA, { ...BO, sampan_role: 'publisher' }]));
  assert.equal((await signIn('bo')).claims.sampan_role, 'publisher');
});

test('who turns back, or is unknown, returns with an error and the state', async () => {
  for (const login of ['', 'nobody']) {
    const { url, state } = ask();
    const { searchParams } = new URL(await walk(url, login));
    assert.equal(searchParams.get('error'), 'access_denied');
    assert.equal(searchParams.get('state'), state);
    assert.equal(searchParams.get('code'), null);
  }
});

test('no code without PKCE, and no way to another address', async () => {
  const { url } = ask({ code_challenge: undefined, code_challenge_method: undefined });
  assert.equal(new URL(await walk(url, 'ada')).searchParams.get('error'), 'invalid_request');
  await assert.rejects(walk(ask({ redirect_uri: 'http://127.0.0.1:9/elsewhere' }).url, 'ada'), /400.*redirect_uri/s);
});

test('no token for a wrong secret, a wrong verifier, or a code that was used', async () => {
  const code = async () => {
    const { url, verifier } = ask();
    return [new URL(await walk(url, 'ada')).searchParams.get('code'), verifier];
  };
  const [first, verifier] = await code();
  assert.equal((await redeem(first, verifier, 'wrong')).error, 'invalid_client');
  assert.equal((await redeem(first, verifier)).status, 200);
  assert.equal((await redeem(first, verifier)).error, 'invalid_grant');
  assert.equal((await redeem((await code())[0], verifier)).error, 'invalid_grant');
});

test('its page names the accounts, escaped', async () => {
  const response = await fetch(ask().url, { redirect: 'manual' });
  const cookie = response.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  const page = await (await fetch(new URL(response.headers.get('location'), running.issuer), { headers: { cookie } })).text();
  assert.match(page, /<button name="login" value="ada">Ada &#60;L&#62;<\/button>/);
});

test('the walk as a command', async () => {
  const { url, state } = ask();
  const { stdout } = await promisify(execFile)(process.execPath, [here('walk.mjs'), url, 'ada']);
  assert.ok(stdout.startsWith(`${REDIRECT}?`));
  assert.equal(new URL(stdout.trim()).searchParams.get('state'), state);
});

test('started again on its port it is the same issuer with other keys', async () => {
  const first = await start('--accounts', JSON.stringify([ADA]));
  const keys = async () => (await (await fetch(first.metadata.jwks_uri)).json()).keys.map(({ kid }) => kid);
  const before = await keys();
  await stop(first);
  const second = await start('--accounts', JSON.stringify([ADA]), '--port', new URL(first.issuer).port);
  assert.equal(second.issuer, first.issuer);
  assert.notDeepEqual(await keys(), before);
  await stop(second);
});
