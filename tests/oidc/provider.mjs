// A real OpenID provider on loopback for the tests of signing in through one; nothing of it outlives the process.
//
//   node provider.mjs --port-file FILE --secret SECRET --redirect URL [--redirect …] --accounts JSON|@FILE [--port 0]
//
// Its issuer is http://127.0.0.1:PORT, its one client `sampan`, which must prove itself by HTTP Basic and use PKCE.
// Accounts: [{"sub": "ada", "email": "…", "name": "…", "sampan_role": ["admin"]}]; @FILE is read anew whenever it is needed, but
// for the names of claims.
// Whoever says `login=SUB` to the sign-in page is SUB; anybody else is sent back with access_denied. Nobody is asked for consent.
// What an account has of the standard claims comes with the scopes profile and email, anything else always; all of it in
// the id_token too. Its keys are new with every start. The package warns of Node.js before 22; what is used of it works with 20.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Provider } from 'oidc-provider';

const EMAIL = ['email', 'email_verified'];
const PROFILE = ['name', 'given_name', 'family_name', 'nickname', 'preferred_username', 'locale'];
const PAGE = '/interaction/';

/** `accounts`: a function that gives them. Answers with the issuer, its port and `close`. */
export async function serve({ secret, redirects, accounts, port = 0 }) {
  const server = createServer();
  await new Promise((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done));
  // A provider has to know its own address, which is known only now.
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration({ secret, redirects, accounts }));
  provider.on('server_error', (_ctx, error) => console.error('oidc provider:', error));
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (!request.url.startsWith(PAGE)) return answer(request, response);
    interact(request, response, provider, accounts).catch((error) => {
      response.writeHead(error.status ?? 500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${error.message}\n`);
    });
  });
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { issuer, port: server.address().port, close };
}

function configuration({ secret, redirects, accounts }) {
  const standard = new Set(['sub', ...EMAIL, ...PROFILE]);
  const custom = accounts().flatMap((account) => Object.keys(account).filter((claim) => !standard.has(claim)));
  return {
    clients: [
      {
        client_id: 'sampan',
        client_secret: secret,
        redirect_uris: redirects,
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    claims: { openid: ['sub', ...new Set(custom)], email: EMAIL, profile: PROFILE },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => PAGE + uid },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [signingKey()] },
    findAccount: (_ctx, sub) => {
      const account = accounts().find((one) => one.sub === sub);
      return account && { accountId: sub, claims: () => account };
    },
    loadExistingGrant: consent,
  };
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') };
}

// To whatever is asked, in the person's stead.
async function consent({ oidc }) {
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope(oidc.params.scope);
  await grant.save();
  return grant;
}

async function interact(request, response, provider, accounts) {
  const { prompt } = await provider.interactionDetails(request, response);
  const finish = (result) => provider.interactionFinished(request, response, result);
  // Asked for with prompt=consent, although there is nothing left to ask.
  if (prompt.name === 'consent') return finish({ consent: {} });
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(accounts()));
    return;
  }
  const login = new URLSearchParams(await text(request)).get('login');
  if (accounts().some(({ sub }) => sub === login)) return finish({ login: { accountId: login } });
  return finish({ error: 'access_denied', error_description: 'the person turned back, or is not known here' });
}

function page(accounts) {
  const button = (value, label) => `<p><button name="login" value="${escape(value)}">${escape(label)}</button></p>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in (test provider)</title>
<h1>Test provider: who are you?</h1>
<form method="post">
${accounts.map(({ sub, name }) => button(sub, name ?? sub)).join('\n')}
${button('', 'Nobody')}
</form>
</html>
`;
}

const escape = (value) => value.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      'port-file': { type: 'string' },
      secret: { type: 'string' },
      redirect: { type: 'string', multiple: true },
      accounts: { type: 'string' },
      port: { type: 'string', default: '0' },
    },
  });
  const { secret, redirect: redirects, accounts: given } = values;
  if (!secret || !redirects || !given) throw new Error('--secret, --redirect and --accounts are needed');
  const accounts = () => JSON.parse(given.startsWith('@') ? readFileSync(given.slice(1), 'utf8') : given);
  const { issuer, port } = await serve({ secret, redirects, accounts, port: Number(values.port) });
  if (values['port-file']) {
    // Whoever waits for the file must not read half of it.
    writeFileSync(`${values['port-file']}.new`, `${port}\n`);
    renameSync(`${values['port-file']}.new`, values['port-file']);
  }
  console.error(`oidc provider: ${issuer}`);
}
