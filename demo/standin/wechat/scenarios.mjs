// The ways in which the stand-in can answer, chosen per app, so that tests side by side do not disturb each other.
//
// "Seen" texts are quoted from public reports of the vendor's replies; the others are invented here and say so.

const SOURCE_LIMIT = 2 * 1024 * 1024;
// The developer tools' "4 MB for previews" option; the CLI asks for it with bigPackageSizeSupport=1.
const BIG_PREVIEW_LIMIT = 4 * 1024 * 1024;
const GAME_LIMIT = 4 * 1024 * 1024;

const fail = (errCode, errMsg) => ({ json: { errCode, errMsg } });

// Seen. The address may also be an IPv6 one.
export const invalidIp = (ip) =>
  fail(-10008, `invalid ip: ${ip}, reference: https://developers.weixin.qq.com/miniprogram/dev/devtools/ci.html`);

// Invented, number and text: how the vendor answers a wrong key is not known publicly.
export const badSignature = (why) => fail(-99001, `stand-in's own wording, not the vendor's: ${why}`);

// Invented.
export const badPackage = (why) => fail(-99002, `stand-in's own wording, not the vendor's: broken package: ${why}`);

// Seen.
export const fileNotFound = (name) => fail(800059, `error: ${name}, file not found`);

const tooBig = (kilobytes, limit) => fail(80051, `source size ${kilobytes}KB exceed max limit ${limit / 1024 / 1024}MB`);

// Text seen, number not: in a game only the main package has a limit of its own.
const gameTooBig = (kilobytes) => fail(80051, `main package source size ${kilobytes}KB exceed max limit ${GAME_LIMIT / 1024}KB`);

/** Refuses a main package, subpackage or plugin above the limit; the whole may be larger. */
export function sizeRefusal(sizes, { game, bigPreview }) {
  const limit = game ? GAME_LIMIT : bigPreview ? BIG_PREVIEW_LIMIT : SOURCE_LIMIT;
  const limited = game ? ['__APP__'] : sizes.map(({ name }) => name).filter((name) => name !== '__FULL__');
  const over = sizes.find(({ name, size }) => limited.includes(name) && size > limit);
  if (!over) return null;
  const kilobytes = Math.ceil(over.size / 1024);
  return game ? gameTooBig(kilobytes) : tooBig(kilobytes, limit);
}

const html = (status, heading) => ({
  status,
  html: `<html>\r\n<head><title>${heading}</title></head>\r\n<body>\r\n<center><h1>${heading}</h1></center>\r\n<hr><center>local stand-in, not WeChat</center>\r\n</body>\r\n</html>\r\n`,
});

// Each hook gives a reply, or nothing to go on as usual.
//   getrandstr, getattr   those two requests
//   connection            an upload or preview has arrived, nothing was looked at
//   verdict               the package is signed, readable and within limits
//   receipt               the package was accepted and listed; may change the reply
export const scenarios = {
  ok: {},
  'invalid-ip': { verdict: ({ ip }) => invalidIp(ip) },
  'ticket-fail': { verdict: () => fail(-1, 'get new ticket fail: innerCode: -80002') }, // seen
  // Seen up to the number.
  plugin: { verdict: () => fail(-1, 'inner upload fail with errcode: 80082, errmsg: plugin is not authorised for this app') },
  'too-big': { verdict: () => tooBig(4473, SOURCE_LIMIT) }, // seen
  'preload-too-big': {
    verdict: ({ app }) => fail(80058, `preloadRule [${app?.pages?.[0]}] source size 2140KB exceed max limit 2MB`), // seen
  },
  'file-not-found': { verdict: () => fileNotFound('app.js') },
  sitemap: { verdict: () => fail(-80055, 'Invalid SiteMap, sitemap错误，缺少rules字段') }, // seen
  'system-error': { verdict: () => fail(-1, 'system error') }, // invented
  'rand-fail': { getrandstr: () => fail(-1, 'stand-in: no random string today') }, // invented
  'rand-reset': { getrandstr: () => ({ cut: true }) },
  'attr-fail': { getattr: () => fail(-1, 'stand-in: no attributes today') }, // invented
  'http-502': { connection: () => html(502, '502 Bad Gateway') },
  'html-200': { connection: () => html(200, 'Please sign in to this network') },
  hang: { connection: () => ({ hang: true }) },
  reset: { connection: () => ({ cut: true }) },
  // Accepted and listed, but the answer never arrives: what a runner must not answer with a blind second upload.
  'lost-reply': { receipt: () => ({ cut: true }) },
  'no-qrcode': {
    receipt: ({ json }) => {
      const { qrcode_img, ...body } = json.body;
      return { json: { ...json, body } };
    },
  },
};
