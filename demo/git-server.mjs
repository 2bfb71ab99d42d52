// Serves bare repositories read-only over smart HTTP, through git's own http-backend, for demos and tests.
//
//   node git-server.mjs --root DIR [--host 127.0.0.1] [--tls FILE]… [--port 0[,0…]] [--port-file FILE]
//
// Every --tls FILE (a PEM with key and certificate) adds an HTTPS listener. Ports are those of the plain one, then of these.
// DIR/repo.git.auth.json closes DIR/repo.git, or moves what is missing; it is read anew for every request:
//   {"user": "…", "password": "…", "refuse": 403}   without "user" any name will do; "refuse" (401) is what a wrong one is told
//   {"redirect": "https://host/other.git"}
// GET /_control/attempts/repo.git counts who came: {"challenged": 1, "refused": 0, "admitted": 2} requests.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const BANNER = "Sampan's demo git server: read-only, for local demos and tests.";
const CONTROL = '/_control/attempts/';

/** `tls`: PEM texts. Ports may be 0 or missing; the real ones are in the answer, in the same order. */
export async function serve({ root, host = '127.0.0.1', ports = [], tls = [] }) {
  const backend = join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');
  if (!existsSync(backend)) throw new Error(`git was installed without its http-backend (${backend})`);
  const world = { root: realpathSync(root), backend, attempts: new Map() };
  const listener = (request, response) => {
    try {
      handle(request, response, world);
    } catch (error) {
      console.error(`git-server: ${error.message}`);
      refuse(response, 500, 'internal error');
    }
  };
  const servers = [createServer(listener), ...tls.map((pem) => createTlsServer({ key: pem, cert: pem }, listener))];
  const close = () =>
    Promise.all(
      servers.map((server) => {
        server.closeAllConnections();
        return new Promise((done) => server.close(done));
      }),
    );
  const listening = servers.map(
    (server, i) =>
      new Promise((done, fail) => {
        server.once('error', fail);
        server.listen(ports[i] ?? 0, host, done);
      }),
  );
  await Promise.all(listening).catch(async (error) => {
    await close();
    throw error;
  });
  return { ports: servers.map((server) => server.address().port), close };
}

function handle(request, response, { root, backend, attempts }) {
  const [path, search = ''] = request.url.split('?', 2);
  if (path === '/healthz') return refuse(response, 200, 'ok');
  if (path === '/') return refuse(response, 200, BANNER);
  const counted = (repository) => attempts.get(repository) ?? { challenged: 0, refused: 0, admitted: 0 };
  if (path.startsWith(CONTROL)) return json(response, counted(path.slice(CONTROL.length)));
  const wanted = parse(request.method, path, search);
  if (!wanted) return refuse(response, 404, 'only fetching from repositories is served here');
  const door = doorOf(root, wanted.repository);
  if (door?.redirect) {
    return refuse(response, 302, 'moved', { location: `${door.redirect}/${wanted.service}${search && `?${search}`}` });
  }
  const directory = inside(root, wanted.repository);
  if (!directory) return refuse(response, 404, 'no such repository');
  const { outcome, user } = door ? admit(request, door) : { user: '' };
  if (outcome) {
    const counts = counted(wanted.repository);
    attempts.set(wanted.repository, { ...counts, [outcome]: counts[outcome] + 1 });
  }
  const status = { challenged: 401, refused: door?.refuse ?? 401 }[outcome];
  if (status) {
    const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="Sampan demo git"' } : {};
    return refuse(response, status, 'user name or password is missing or wrong', challenge);
  }
  runBackend(request, response, backend, {
    GIT_PROJECT_ROOT: root,
    PATH_INFO: `/${wanted.repository}/${wanted.service}`,
    QUERY_STRING: search,
    REMOTE_USER: user,
  });
}

// The two requests that a fetch makes, and nothing else: no push, no browsing of a repository's files.
function parse(method, path, search) {
  const match = /^\/((?:[\w-][\w.-]*\/)*[\w-][\w.-]*\.git)\/(info\/refs|git-upload-pack)$/.exec(path);
  if (!match) return null;
  const [, repository, service] = match;
  const fits = service === 'info/refs' ? method === 'GET' && search === 'service=git-upload-pack' : method === 'POST';
  return fits ? { repository, service } : null;
}

/** The repository's real directory, or null where links lead out of the root. */
function inside(root, repository) {
  try {
    const directory = realpathSync(join(root, repository));
    return directory.startsWith(root + sep) ? directory : null;
  } catch {
    return null;
  }
}

/** What is asked at a repository's door. An unreadable file is an error, never an open door. */
function doorOf(root, repository) {
  const file = join(root, `${repository}.auth.json`);
  return existsSync(file) ? { ...JSON.parse(readFileSync(file, 'utf8')) } : undefined;
}

/** @returns {{outcome: 'challenged'|'refused'|'admitted', user?: string}} */
function admit(request, door) {
  const { authorization } = request.headers;
  if (!authorization) return { outcome: 'challenged' };
  const [scheme, value = ''] = authorization.split(' ');
  const given = Buffer.from(value, 'base64').toString('utf8');
  const [, user, password] = /^([^:]*):(.*)$/s.exec(given) ?? [];
  const digest = (text) => createHash('sha256').update(text).digest();
  const same = (one, other) => timingSafeEqual(digest(one), digest(other));
  const fits =
    scheme.toLowerCase() === 'basic' && user !== undefined && same(user, door.user ?? user) && same(password, door.password);
  return fits ? { outcome: 'admitted', user } : { outcome: 'refused' };
}

function runBackend(request, response, backend, variables) {
  const child = spawn(backend, [], {
    // Nothing of the caller's environment or configuration but the way to git itself.
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: request.headers['content-length'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
      REMOTE_ADDR: request.socket.remoteAddress ?? '',
      ...variables,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.once('error', (error) => {
    console.error(`git-server: ${error.message}`);
    refuse(response, 500, 'internal error');
  });
  // Either side may leave early; the other then has nothing left to do.
  child.stdin.on('error', () => {});
  response.once('close', () => child.kill());
  request.pipe(child.stdin);
  relay(child.stdout, response);
}

/** CGI output: header lines, an empty line, the body. */
function relay(output, response) {
  let head = Buffer.alloc(0);
  output.on('data', function collect(part) {
    head = Buffer.concat([head, part]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    output.off('data', collect);
    let status = 200;
    const headers = {};
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).toLowerCase();
      if (name === 'status') status = parseInt(line.slice(colon + 1), 10);
      else headers[name] = line.slice(colon + 1).trim();
    }
    response.writeHead(status, headers);
    response.write(head.subarray(end + 4));
    output.pipe(response);
  });
  output.once('end', () => {
    if (!response.headersSent) refuse(response, 500, 'git gave no answer');
  });
}

function refuse(response, status, text, headers = {}) {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${text}\n`);
}

function json(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}

async function main() {
  const { values } = parseArgs({
    options: {
      root: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      tls: { type: 'string', multiple: true, default: [] },
      'port-file': { type: 'string' },
    },
  });
  if (!values.root) throw new Error('--root is missing');
  const wanted = { root: values.root, host: values.host, ports: values.port.split(',').map(Number) };
  const { ports } = await serve({ ...wanted, tls: values.tls.map((file) => readFileSync(file)) });
  if (values['port-file']) {
    // Renamed into place: whoever waits for the file never reads half a number.
    writeFileSync(`${values['port-file']}.new`, `${ports}\n`);
    renameSync(`${values['port-file']}.new`, values['port-file']);
  }
  const shown = ports.map((port, i) => `${i ? 'https' : 'http'}://${values.host}:${port}`);
  console.log(`${BANNER}\ngit-server: ${shown.join(' ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`git-server: ${error.message}`);
    process.exit(2);
  });
}
