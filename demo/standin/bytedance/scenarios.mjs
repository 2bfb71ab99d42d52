// The ways in which the stand-in can answer, chosen per app, so that tests side by side do not disturb each other.
//
// How the vendor words its refusals is not known publicly: all texts here are invented and say so, but for those marked as the CLI's.

export const OWN = "stand-in's own wording, not the vendor's";

const refuse = (error, message) => ({ json: { error, message: `${OWN}: ${message}` } });

export const invalidIp = (ip) => refuse(99008, `invalid ip: ${ip}`);
export const badPackage = (why) => refuse(99002, `broken package: ${why}`);
export const notHigher = (version, last) => refuse(99004, `version ${version} is not higher than ${last}`);

const html = (status, heading) => ({
  status,
  html: `<html>\r\n<head><title>${heading}</title></head>\r\n<body>\r\n<center><h1>${heading}</h1></center>\r\n<hr><center>local stand-in, not ByteDance</center>\r\n</body>\r\n</html>\r\n`,
});

const noCode = () => ({ json: { code: 99005, msg: `${OWN}: there is no QR code for this app` } });

// Each hook gives a reply, or nothing to go on as usual.
//   meta        what the CLI asks first
//   connection  an upload or preview has arrived, nothing was looked at
//   verdict     the package is readable and the sender may send it
//   receipt     the package was accepted and listed; may change the reply
//   progress    how compiling gets on
//   schema      where the QR code leads; {stage} is "latest" (an upload) or "preview"
export const scenarios = {
  ok: {},
  'meta-502': { meta: () => html(502, '502 Bad Gateway') },
  'meta-fail': { meta: () => ({ json: { error: 99006, data: `${OWN}: the app is not available` } }) },
  'invalid-ip': { verdict: ({ ip }) => invalidIp(ip) },
  // The number makes the CLI say 请先完成开发配置.
  'dev-config': { verdict: () => refuse(100001, 'finish the development settings first') },
  'system-error': { verdict: () => refuse(99007, 'system error') },
  'http-502': { connection: () => html(502, '502 Bad Gateway') },
  'html-200': { connection: () => html(200, 'Please sign in to this network') },
  hang: { connection: () => ({ hang: true }) },
  reset: { connection: () => ({ cut: true }) },
  // Accepted and listed, but the answer never arrives: what a runner must not answer with a blind second upload.
  'lost-reply': { receipt: () => ({ cut: true }) },
  'compile-fail': { progress: () => ({ json: { error: 1, message: `${OWN}: app.json: pages/gone/gone is not there`, err_link: '' } }) },
  // The CLI gives up after a hundred questions.
  'compile-hang': { progress: () => ({ json: { error: 0, status: 1 } }) },
  'compile-502': { progress: () => html(502, '502 Bad Gateway') },
  'no-qrcode': { schema: noCode },
  // Service providers' templates have previews but no code for an uploaded version.
  template: { schema: ({ stage }) => (stage === 'latest' ? noCode() : undefined) },
};
