// What this server says about itself wherever a person may read it.

export const title = 'Sampan 本地替身服务 · local stand-in';

export const notice = {
  zh: '这是 Sampan 的本地替身服务，只在测试和演示中扮演平台一侧。它不是微信，也不与微信连通；这里的上传和二维码都不会到达微信。',
  en: "This is Sampan's local stand-in. It plays only the vendor's side in tests and demos. It is not WeChat and does not talk to WeChat; nothing uploaded or scanned here reaches WeChat.",
};

// Travels as an extra field in every JSON reply: the vendor's CLI ignores it in receipts and prints it with errors,
// while errCode and errMsg keep the vendor's form.
export const mark = 'local stand-in, not WeChat';

// Short, because every character makes the picture denser.
export const qrText = ({ appid, number, path, query }) =>
  [
    'Sampan 本地替身二维码，不是微信，不能打开小程序',
    'local stand-in, not WeChat',
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
