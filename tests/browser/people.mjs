// Somebody with a browser.

import { browser, password } from './world.mjs';
import { watch } from './watch.mjs';

/** Where everybody is; far from the server's UTC. */
export const zone = 'Asia/Shanghai';

/** A context of its own: cookies, language, size. `phone` is 375 px wide and touched. */
export async function visitor(server, { lang = 'zh-CN', theme = 'auto', phone = false, width = 1280, ...more } = {}) {
  const context = await (await browser()).newContext({
    baseURL: server.url,
    locale: lang,
    timezoneId: zone,
    viewport: phone ? { width: 375, height: 812 } : { width, height: 800 },
    ...(phone ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
    ...more,
  });
  const cookies = { lang, theme };
  await context.addCookies(Object.entries(cookies).map(([name, value]) => ({ name, value, url: server.url })));
  context.setDefaultTimeout(15_000);
  await watch(context);
  return context;
}

/** The first sign-in of an account that somebody else made: chooses its own password, which then is `password`. */
export async function enrol(context, { login, password: given }) {
  await signIn(context, { login, password: given });
  const answer = await context.request.post('/me/password', { form: { current: given, password } });
  if (!answer.ok()) throw new Error(`a first password: ${answer.status()}`);
}

/** Signs the context in without a page. */
export async function signIn(context, as = { login: 'admin', password }) {
  const answer = await context.request.post('/sign-in', { form: as });
  if (!answer.ok()) throw new Error(`signing in: ${answer.status()}`);
}
