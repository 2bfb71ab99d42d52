// Tests of the demo's git server with the real git as the client.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { serve } from './git-server.mjs';

const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), 'git-server-'));
const root = join(dir, 'root');
let server;
let base;
let secure;

const env = {
  PATH: process.env.PATH,
  HOME: dir,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.invalid',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.invalid',
};
const git = (...args) => run('git', args, { env, cwd: dir });

before(async () => {
  mkdirSync(join(root, 'team'), { recursive: true });
  await git('init', '-q', '-b', 'main', 'work');
  // Large enough that git compresses what it asks for and answers in pieces.
  for (let i = 0; i < 60; i++) {
    writeFileSync(join(dir, 'work', 'file.txt'), `${i}\n`.repeat(5000));
    await git('-C', 'work', 'add', '.');
    await git('-C', 'work', 'commit', '-q', '-m', `commit ${i}`);
    await git('-C', 'work', 'tag', `v${i}`);
  }
  for (const name of ['open.git', 'closed.git', 'team/nested.git']) await git('clone', '-q', '--bare', 'work', join(root, name));
  await git('clone', '-q', '--bare', 'work', join(dir, 'outside.git'));
  symlinkSync(join(dir, 'outside.git'), join(root, 'link.git'));
  for (const name of ['token.git', 'strict.git']) await git('clone', '-q', '--bare', 'work', join(root, name));
  const pems = ['trusted', 'strange'].map((name) => join(dir, `${name}.pem`));
  for (const pem of pems) await selfSigned(pem);
  server = await serve({ root, tls: pems.map((pem) => readFileSync(pem)) });
  base = `http://127.0.0.1:${server.ports[0]}`;
  secure = `https://localhost:${server.ports[1]}`;
  const doors = {
    'closed.git': { user: 'deploy', password: 'p:ss word' },
    'token.git': { password: 'glpat-1' },
    'strict.git': { user: 'deploy', password: 'right', refuse: 403 },
    'team/moved.git': { redirect: `${base}/open.git` },
  };
  for (const [name, door] of Object.entries(doors)) writeFileSync(join(root, `${name}.auth.json`), JSON.stringify(door));
});

function selfSigned(pem) {
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  return run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, '-keyout', pem, '-out', `${pem}.crt`])
    .then(() => writeFileSync(pem, readFileSync(pem, 'utf8') + readFileSync(`${pem}.crt`, 'utf8')));
}

after(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

// fetch() would tidy the path up before sending it.
function answer(path, { method = 'GET', auth, ca } = {}) {
  const options = { host: 'localhost', port: server.ports[ca ? 1 : 0], path, method, auth, ca, family: 4 };
  return new Promise((done, fail) => {
    const call = (ca ? requestTls : request)(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.once('end', () => done({ status: response.statusCode, headers: response.headers, text }));
    });
    call.once('error', fail);
    call.end();
  });
}
const status = async (path, method) => (await answer(path, { method })).status;
const attempts = async (repository) => JSON.parse((await answer(`/_control/attempts/${repository}`)).text);
const signedIn = (user) => base.replace('//', `//${user}@`);

test('clones, also shallow, nested and with an old protocol', async () => {
  await git('clone', '-q', `${base}/open.git`, 'full');
  assert.equal(readFileSync(join(dir, 'full/file.txt'), 'utf8').slice(0, 3), '59\n');
  await git('clone', '-q', '--depth=1', '--branch', 'v7', `${base}/team/nested.git`, 'shallow');
  assert.equal(readFileSync(join(dir, 'shallow/file.txt'), 'utf8').slice(0, 2), '7\n');
  await git('-c', 'protocol.version=0', 'clone', '-q', `${base}/open.git`, 'old');
  await git('-C', 'old', 'fetch', '-q', '--all');
});

test('pushing is refused', async () => {
  await git('clone', '-q', `${base}/open.git`, 'pusher');
  await assert.rejects(git('-C', 'pusher', 'push', 'origin', 'HEAD:refs/heads/new'));
  assert.equal(await status('/open.git/git-receive-pack', 'POST'), 404);
  assert.equal(await status('/open.git/info/refs?service=git-receive-pack'), 404);
});

test('a protected repository asks for its password', async () => {
  assert.equal(await status('/closed.git/info/refs?service=git-upload-pack'), 401);
  await assert.rejects(git('clone', '-q', `${base}/closed.git`, 'never'), /401|could not read Username|Authentication/);
  await assert.rejects(git('clone', '-q', `${signedIn('deploy:wrong')}/closed.git`, 'never'));
  await git('clone', '-q', `${signedIn('deploy:p%3Ass%20word')}/closed.git`, 'private');
});

test('a token goes with any user name, but not with none', async () => {
  await git('clone', '-q', `${signedIn('whoever:glpat-1')}/token.git`, 'by-token');
  await git('clone', '-q', `${signedIn('oauth2:glpat-1')}/token.git`, 'by-token-again');
  await assert.rejects(git('clone', '-q', `${signedIn('whoever:glpat-2')}/token.git`, 'never'));
  const refs = '/token.git/info/refs?service=git-upload-pack';
  const call = (header) => fetch(base + refs, { headers: { authorization: header } });
  assert.equal((await call(`Basic ${btoa('glpat-1')}`)).status, 401);
  assert.equal((await call(`Bearer ${btoa('u:glpat-1')}`)).status, 401);
  assert.equal((await call(`Basic ${btoa('u:glpat-1')}`)).status, 200);
});

test('a wrong token may be answered with 403, and tries are counted', async () => {
  const path = '/strict.git/info/refs?service=git-upload-pack';
  assert.deepEqual(await attempts('strict.git'), { challenged: 0, refused: 0, admitted: 0 });
  const anonymous = await answer(path);
  assert.equal(anonymous.status, 401);
  assert.match(anonymous.headers['www-authenticate'], /^Basic /);
  for (const auth of ['deploy:wrong', 'other:right']) {
    const refused = await answer(path, { auth });
    assert.equal(refused.status, 403);
    assert.equal(refused.headers['www-authenticate'], undefined);
  }
  assert.equal((await answer(path, { auth: 'deploy:right' })).status, 200);
  assert.deepEqual(await attempts('strict.git'), { challenged: 1, refused: 2, admitted: 1 });
  await assert.rejects(git('clone', '-q', `${signedIn('deploy:wrong')}/strict.git`, 'never'), /403/);
  assert.deepEqual(await attempts('open.git'), { challenged: 0, refused: 0, admitted: 0 });
});

test('a moved repository sends its visitors on', async () => {
  await git('clone', '-q', `${base}/team/moved.git`, 'moved');
  const { status, headers } = await answer('/team/moved.git/info/refs?service=git-upload-pack');
  assert.equal(status, 302);
  assert.equal(headers.location, `${base}/open.git/info/refs?service=git-upload-pack`);
});

test('serves over TLS to those who trust it', async () => {
  const trust = ['-c', `http.sslCAInfo=${join(dir, 'trusted.pem')}`];
  await git(...trust, 'clone', '-q', `${secure}/open.git`, 'over-tls');
  await git(...trust, 'clone', '-q', `${secure.replace('//localhost', '//deploy:p%3Ass%20word@127.0.0.1')}/closed.git`, 'private-tls');
  await assert.rejects(git('clone', '-q', `${secure}/open.git`, 'never'), /certificate/);
  const strange = `https://localhost:${server.ports[2]}`;
  await assert.rejects(git(...trust, 'clone', '-q', `${strange}/open.git`, 'never'), /certificate/);
  assert.equal((await answer('/healthz', { ca: readFileSync(join(dir, 'trusted.pem')) })).status, 200);
});

test('a broken auth.json closes the door', async () => {
  const file = join(root, 'token.git.auth.json');
  const good = readFileSync(file);
  for (const broken of ['{', 'null', '{}', '{"user": "deploy"}']) {
    writeFileSync(file, broken);
    assert.equal((await answer('/token.git/info/refs?service=git-upload-pack', { auth: 'deploy:' })).status, 500, broken);
  }
  writeFileSync(file, good);
});

test('nothing outside the root, and no plain files, are served', async () => {
  const refs = 'info/refs?service=git-upload-pack';
  for (const path of [
    `/link.git/${refs}`,
    `/../outside.git/${refs}`,
    `/open.git/../../outside.git/${refs}`,
    `/%2e%2e/outside.git/${refs}`,
    `/missing.git/${refs}`,
    '/closed.git.auth.json',
    '/open.git/HEAD',
    '/open.git/config',
    '/open.git/info/refs',
  ]) {
    assert.equal(await status(path), 404, path);
  }
  assert.equal(await status('/healthz'), 200);
  assert.equal(await status('/'), 200);
});
