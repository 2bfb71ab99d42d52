// What this server says about itself wherever a person may read it.

export const title = 'Sampan 本地替身服务 · local stand-in';

export const notice = {
  zh: '这是 Sampan 的本地替身服务，只在测试和演示中扮演各平台一侧。它不是微信、支付宝或抖音，也不与它们连通；这里的上传和二维码都不会到达任何平台。',
  en: "This is Sampan's local stand-in. It plays only the vendors' side in tests and demos. It is not WeChat, Alipay or ByteDance and does not talk to them; nothing uploaded or scanned here reaches any vendor.",
};

// Travels as an extra field in every JSON reply: the vendors' tools ignore it in receipts and some print it with errors.
export const markOf = ({ en }) => `local stand-in, not ${en}`;

// Short, because every character makes the picture denser.
export const qrText = (name, { appid, number, path, query }) =>
  [
    `Sampan 本地替身二维码，不是${name.zh}，不能打开小程序`,
    markOf(name),
    `${appid} preview #${number}`,
    path ? `${path}${query ? `?${query}` : ''}` : '',
  ]
    .filter(Boolean)
    .join('\n');

export const page = () => `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<body style="font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem">
<h1>${title}</h1>
<p>${notice.zh}</p>
<p lang="en">${notice.en}</p>
</body>
</html>
`;
