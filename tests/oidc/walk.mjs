// Walks a sign-in at the tests' OpenID provider as a person's browser would, up to the step back to the client.
//
//   node walk.mjs AUTHORIZATION_URL LOGIN    prints the redirect to the client, with its code and state, or its error
//
// LOGIN is an account's `sub`; '' turns back.
import { pathToFileURL } from 'node:url';

const STEPS = 10;

/** Answers with the client's redirect URI and what the provider put behind it; nobody is sent there. */
export async function walk(url, login) {
  const client = new URL(url).searchParams.get('redirect_uri');
  if (!client) throw new Error('the authorization URL names no redirect_uri');
  const jar = new Jar();
  let [at, form] = [new URL(url), undefined];
  for (let step = 0; step < STEPS; step += 1) {
    const response = await fetch(at, { method: form ? 'POST' : 'GET', body: form, redirect: 'manual', headers: { cookie: jar.header(at) } });
    jar.keep(response.headers.getSetCookie(), at);
    const location = response.headers.get('location');
    if (location) {
      [at, form] = [new URL(location, at), undefined];
      if (isFor(client, at)) return at.href;
    } else if (response.ok && !form) {
      form = new URLSearchParams({ login });
    } else {
      throw new Error(`${at.pathname} answered ${response.status}: ${await response.text()}`);
    }
  }
  throw new Error(`no way back to the client within ${STEPS} steps`);
}

// The client's address may have a query of its own.
function isFor(client, url) {
  const { origin, pathname } = new URL(client);
  return url.origin === origin && url.pathname === pathname;
}

// Cookies of one host. The provider calls those of different paths alike.
class Jar {
  #cookies = new Map();

  keep(lines, from) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split(/; */);
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? from.pathname;
      // Emptied is how the provider takes one back.
      if (value) this.#cookies.set(`${path} ${name}`, { path, pair });
      else this.#cookies.delete(`${path} ${name}`);
    }
  }

  header({ pathname }) {
    const meant = ({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
    return [...this.#cookies.values()].filter(meant).map(({ pair }) => pair).join('; ');
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [url, login] = process.argv.slice(2);
  if (!url || login === undefined) throw new Error('node walk.mjs AUTHORIZATION_URL LOGIN');
  console.log(await walk(url, login));
}
