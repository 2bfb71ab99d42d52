// Tests of the tests' SSH server with the real git and ssh as clients.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), 'sshd-test-'));
const [root, world] = [join(dir, 'root'), join(dir, 'world of keys')];
const identity = Object.fromEntries(['AUTHOR', 'COMMITTER'].flatMap((who) => [[`GIT_${who}_NAME`, 'test'], [`GIT_${who}_EMAIL`, 'test@example.invalid']]));
const plain = { PATH: process.env.PATH, HOME: dir, GIT_CONFIG_NOSYSTEM: '1', ...identity };
const sshd = (...args) => run(join(dirname(fileURLToPath(import.meta.url)), 'sshd.sh'), args);

let url;
let env;
async function up() {
  url = (await sshd('up', world, root)).stdout.trim();
  readEnv();
}
function readEnv() {
  const lines = readFileSync(join(world, 'env'), 'utf8').matchAll(/^SAMPAN_TEST_SSH_(\w+)='(.*)'$/gm);
  env = Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
  assert.equal(env.URL, url);
}

/** A key, and the host keys to accept: a file, or none for any. */
function ssh(key, known) {
  const hosts = known ? `-o StrictHostKeyChecking=yes -o 'UserKnownHostsFile="${known}"'` : '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null';
  return `ssh -F none -i '${key}' -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o LogLevel=ERROR ${hosts}`;
}
const git = (key, args, known) => run('git', args, { cwd: dir, env: { ...plain, GIT_SSH_COMMAND: ssh(key, known) } });
// Quoted for the shell, as git itself quotes it.
const shell = (key, command, flags = '') => run('sh', ['-c', `${ssh(key)} ${flags} -p ${new URL(url).port} "$0" "$1"`, `${new URL(url).username}@127.0.0.1`, command], { env: plain });

before(async () => {
  mkdirSync(join(root, 'team'), { recursive: true });
  const local = (...args) => run('git', args, { cwd: dir, env: plain });
  await local('init', '-q', '-b', 'main', 'work');
  writeFileSync(join(dir, 'work/file.txt'), 'moored\n');
  await local('-C', 'work', 'add', '.');
  await local('-C', 'work', 'commit', '-q', '-m', 'first');
  for (const name of ['open.git', 'team/nested.git']) await local('clone', '-q', '--bare', 'work', join(root, name));
  await local('clone', '-q', '--bare', 'work', join(dir, 'outside.git'));
  symlinkSync(join(dir, 'outside.git'), join(root, 'link.git'));
  await up();
});

after(async () => {
  await sshd('down', world);
  rmSync(dir, { recursive: true });
});

test('both keys clone, also nested, shallow and with an old protocol', async () => {
  await git(env.KEY, ['clone', '-q', `${url}/open.git`, 'a']);
  assert.equal(readFileSync(join(dir, 'a/file.txt'), 'utf8'), 'moored\n');
  await git(env.RSA_KEY, ['clone', '-q', '--depth=1', `${url}/team/nested.git`, 'b']);
  await git(env.KEY, ['-c', 'protocol.version=0', 'clone', '-q', `${url}/open.git`, 'c']);
});

test('the RSA key is a PEM of the old form', () => {
  assert.match(readFileSync(env.RSA_KEY, 'utf8'), /^-----BEGIN RSA PRIVATE KEY-----/);
  assert.match(readFileSync(env.KEY, 'utf8'), /^-----BEGIN OPENSSH PRIVATE KEY-----/);
});

test('a strange key stays outside', async () => {
  await assert.rejects(git(env.STRANGER_KEY, ['clone', '-q', `${url}/open.git`, 'never']), /Permission denied \(publickey\)/);
});

test('no push, no shell, no files, no forwarding, nothing outside the root', async () => {
  await git(env.KEY, ['clone', '-q', `${url}/open.git`, 'pusher']);
  await assert.rejects(git(env.KEY, ['-C', 'pusher', 'push', '-q', 'origin', 'HEAD:refs/heads/new']), /only fetching/);
  const commands = ['id', 'sh', '', "git-receive-pack '/open.git'", "git-upload-pack '/open.git'; id", "git-upload-pack '/open.git\nid'", 'git-upload-pack /open.git', "git-upload-archive '/open.git'"];
  for (const command of commands) await assert.rejects(shell(env.KEY, command), /only fetching/, command);
  for (const path of ['/missing.git', '/link.git']) await assert.rejects(shell(env.KEY, `git-upload-pack '${path}'`), /no such repository/, path);
  for (const path of ['/../outside.git', '/open.git/../../outside.git', `${dir}/outside`]) await assert.rejects(shell(env.KEY, `git-upload-pack '${path}'`), /only fetching/, path);
  await assert.rejects(shell(env.KEY, 'sftp', '-s'), /subsystem request failed/);
  await assert.rejects(shell(env.KEY, 'healthz', '-o ExitOnForwardFailure=yes -R 127.0.0.1:0:127.0.0.1:9'), /remote port forwarding failed/);
  assert.equal((await shell(env.KEY, 'healthz')).stdout, 'ok\n');
});

test('mends what died, at the same address; leaves alone what lives', async () => {
  const [pid, address] = [readFileSync(join(world, 'pid'), 'utf8'), url];
  await up();
  assert.equal(readFileSync(join(world, 'pid'), 'utf8'), pid);
  process.kill(Number(pid), 'SIGKILL');
  await up();
  assert.notEqual(readFileSync(join(world, 'pid'), 'utf8'), pid);
  assert.equal(url, address);
  await git(env.KEY, ['ls-remote', '-q', `${url}/open.git`]);
});

test('rekeyed, it shows the other host key, and the first again', async () => {
  const known = join(dir, 'known hosts');
  writeFileSync(known, readFileSync(join(world, 'known_hosts')));
  const look = () => git(env.KEY, ['ls-remote', '-q', `${url}/open.git`], known);
  const before = env;
  await look();
  await sshd('rekey', world);
  readEnv();
  assert.deepEqual([env.HOST_KEY, env.OTHER_HOST_KEY], [before.OTHER_HOST_KEY, before.HOST_KEY]);
  assert.match(env.HOST_KEY, /^SHA256:[\w+/]{43}$/);
  await assert.rejects(look(), /Host key verification failed|IDENTIFICATION HAS CHANGED/);
  await sshd('rekey', world);
  readEnv();
  assert.deepEqual(env, before);
  await look();
});
