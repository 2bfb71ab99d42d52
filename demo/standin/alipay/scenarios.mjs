// The ways in which the stand-in can answer, chosen per app, so that tests side by side do not disturb each other.
//
// "Seen" texts are quoted from public reports of the vendor's replies; all others are the stand-in's own and say so.

const own = (text) => `${text}（本地替身自拟，不是支付宝的原文 / stand-in's own wording, not Alipay's）`;
const fail = (msg) => ({ json: { stat: 'fail', msg } });

export const invalidIp = () => fail('ip不在白名单'); // seen
export const badSignature = (why) => fail(`验签失败: ${own(why)}`); // seen up to the colon
export const badPackage = (why) => fail(own(`broken package: ${why}`));
export const notHigher = (last) => fail(own(`版本号必须大于上一个版本 ${last}`));
export const noSuchTask = () => fail(own('no such upload'));

const html = (status, heading) => ({
  status,
  html: `<html>\r\n<head><title>${heading}</title></head>\r\n<body>\r\n<center><h1>${heading}</h1></center>\r\n<hr><center>local stand-in, not Alipay</center>\r\n</body>\r\n</html>\r\n`,
});

const LOG = '[local stand-in, not Alipay] ';
const lines = (...texts) => texts.map((text) => LOG + text).join('\n');

export const builtLog = lines('no build happens here: the sources are listed and accepted', 'done');
// The second and third line are of the kind seen in public reports.
const failedLog = [
  lines('a build that fails, as chosen by the scenario'),
  "Module not found: Can't resolve 'mobx' in '/home/admin/build/standin/pages/index'",
  'Failed to compile.',
].join('\n');

// Each hook gives a reply, or nothing to go on as usual.
//   ask          the last version is asked for
//   connection   an upload or preview has arrived, nothing was looked at
//   verdict      the package is signed and readable
//   receipt      the package was accepted and listed; may change the reply
//   poll         how the remote build is doing: {status, log, versionCreated}, or a reply
//   experience   how "set as trial" is doing: {packageStatus}, or a reply
//   picture      a QR code's picture is fetched
export const scenarios = {
  ok: {},
  'invalid-ip': { ask: invalidIp, verdict: invalidIp },
  'system-error': { verdict: () => fail(own('系统繁忙，请稍后再试')) },
  // The answer to the first question is a lie, so that the refusal comes with the upload.
  'version-low': { ask: () => ({ json: { stat: 'ok', data: { lastVersion: '0.0.0' } } }), verdict: () => notHigher('99.0.0') },
  'ask-502': { ask: () => html(502, '502 Bad Gateway') },
  'ask-reset': { ask: () => ({ cut: true }) },
  'ask-html': { ask: () => html(200, 'Please sign in to this network') },
  'http-502': { connection: () => html(502, '502 Bad Gateway') },
  'html-200': { connection: () => html(200, 'Please sign in to this network') },
  hang: { connection: () => ({ hang: true }) },
  reset: { connection: () => ({ cut: true }) },
  // Accepted and listed, but the answer never arrives: what a runner must not answer with a blind second upload.
  'lost-reply': { receipt: () => ({ cut: true }) },
  'build-fail': { poll: () => ({ status: '3', log: failedLog }) },
  'build-hang': { poll: () => ({ status: '1', log: lines('a build that never ends, as chosen by the scenario') }) },
  'poll-502': { poll: () => html(502, '502 Bad Gateway') },
  'exp-fail': { experience: () => ({ packageStatus: 'failed' }) },
  'exp-hang': { experience: () => ({ packageStatus: 'packaging' }) },
  'exp-no-qrcode': { experience: () => ({ packageStatus: 'success', qrCodeUrl: '' }) },
  'no-qrcode': {
    receipt: ({ json }) => {
      const { debugQrcodeUrl, ...data } = json.data;
      return { json: { ...json, data } };
    },
  },
  'qr-gone': { picture: () => ({ status: 404, json: {} }) },
  'qr-html': { picture: () => html(200, 'Please sign in to this network') },
};
