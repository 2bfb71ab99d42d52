// What must never happen on a page: script errors, messages of error level, violations of the content policy.

const seen = new WeakMap();

/** From now on remembers what goes wrong on the context's pages. */
export async function watch(context) {
  const wrong = [];
  seen.set(context, wrong);
  context.on('weberror', (event) => wrong.push(`script error: ${event.error().message}`));
  context.on('console', (message) => {
    if (message.type() !== 'error') return;
    // A browser reports the status of a page that is meant to have it: a form or a package with a mistake in it, a repository that wants a token, a missing page.
    const { url } = message.location();
    const { pathname } = new URL(url, 'none:');
    const meant = url === message.page()?.url() || pathname === '/programs/inspect' || /^\/updates\/[0-9a-f]{32}$/.test(pathname);
    const own = meant && /Failed to load resource: .* status of 4\d\d/.test(message.text());
    if (!own) wrong.push(`console: ${message.text()} (${url})`);
  });
  await context.exposeBinding('__policy', (_, text) => wrong.push(`content policy: ${text}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => window.__policy(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  });
}

/** → what went wrong since the last call. */
export const wrongs = (context) => seen.get(context).splice(0);
