// Serves bare repositories read-only over smart HTTP, through git's own http-backend, for demos and tests.
//
//   node git-server.mjs --root DIR [--host 127.0.0.1] [--port 0] [--port-file FILE]
//
// DIR/auth.json may ask for basic auth: {"repo.git": {"user": "…", "password": "…"}}. It is read anew for every request.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const BANNER = "Sampan's demo git server: read-only, for local demos and tests.";

/** Port may be 0; the real one is in the answer. */
export async function serve({ root, host = '127.0.0.1', port = 0 }) {
  const backend = join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');
  if (!existsSync(backend)) throw new Error(`git was installed without its http-backend (${backend})`);
  const realRoot = realpathSync(root);
  const server = createServer((request, response) => {
    try {
      handle(request, response, realRoot, backend);
    } catch (error) {
      console.error(`git-server: ${error.message}`);
      refuse(response, 500, 'internal error');
    }
  });
  await new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, done);
  });
  return {
    port: server.address().port,
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

function handle(request, response, root, backend) {
  const [path, search = ''] = request.url.split('?', 2);
  if (path === '/healthz') return refuse(response, 200, 'ok');
  if (path === '/') return refuse(response, 200, BANNER);
  const wanted = parse(request.method, path, search);
  if (!wanted) return refuse(response, 404, 'only fetching from repositories is served here');
  const directory = inside(root, wanted.repository);
  if (!directory) return refuse(response, 404, 'no such repository');
  const user = admit(request, root, wanted.repository);
  if (user === null) {
    return refuse(response, 401, 'user name or password is missing or wrong', { 'www-authenticate': 'Basic realm="Sampan demo git"' });
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

/** @returns {string|null} the user's name, empty where none is asked for; null refuses */
function admit(request, root, repository) {
  const file = join(root, 'auth.json');
  // An unreadable file is an error, never an open door.
  const asked = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8'))[repository] : undefined;
  if (!asked) return '';
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ');
  const given = scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString('utf8') : '';
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(`${asked.user}:${asked.password}`)) ? asked.user : null;
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

async function main() {
  const { values } = parseArgs({
    options: {
      root: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'port-file': { type: 'string' },
    },
  });
  if (!values.root) throw new Error('--root is missing');
  const { port } = await serve({ root: values.root, host: values.host, port: Number(values.port) });
  if (values['port-file']) {
    // Renamed into place: whoever waits for the file never reads half a number.
    writeFileSync(`${values['port-file']}.new`, `${port}\n`);
    renameSync(`${values['port-file']}.new`, values['port-file']);
  }
  console.log(`${BANNER}\ngit-server: http://${values.host}:${port}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`git-server: ${error.message}`);
    process.exit(2);
  });
}
