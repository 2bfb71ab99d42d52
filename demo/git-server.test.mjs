// Tests of the demo's git server with the real git as the client.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
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
  writeFileSync(join(root, 'auth.json'), JSON.stringify({ 'closed.git': { user: 'deploy', password: 'p:ss word' } }));
  server = await serve({ root });
  base = `http://127.0.0.1:${server.port}`;
});

after(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

// fetch() would tidy the path up before sending it.
function status(path, method = 'GET') {
  return new Promise((done, fail) => {
    const call = request({ host: '127.0.0.1', port: server.port, path, method }, (response) => {
      response.resume();
      done(response.statusCode);
    });
    call.once('error', fail);
    call.end();
  });
}

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
  const signedIn = (user) => base.replace('//', `//${user}@`);
  await assert.rejects(git('clone', '-q', `${signedIn('deploy:wrong')}/closed.git`, 'never'));
  await git('clone', '-q', `${signedIn('deploy:p%3Ass%20word')}/closed.git`, 'private');
});

test('a broken auth.json closes the door', async () => {
  const file = join(root, 'auth.json');
  const good = readFileSync(file);
  writeFileSync(file, '{');
  assert.equal(await status('/open.git/info/refs?service=git-upload-pack'), 500);
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
    '/auth.json',
    '/open.git/HEAD',
    '/open.git/config',
    '/open.git/info/refs',
  ]) {
    assert.equal(await status(path), 404, path);
  }
  assert.equal(await status('/healthz'), 200);
  assert.equal(await status('/'), 200);
});
