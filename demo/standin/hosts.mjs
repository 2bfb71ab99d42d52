// The host names that the vendors' tools ask, by vendor. Needs no package: certificates are made from it before any is installed.

export const hosts = {
  wechat: ['servicewechat.com'],
  alipay: ['ideservice.alipay.com', 'hpmweb.alipay.com', 'mdn.alipayobjects.com', 'mdap.alipay.com', 'bailingual.marmot-cloud.com'],
  bytedance: ['developer.toutiao.com', 'microapp.bytedance.com', 'developer.open-douyin.com', 'mcs.snssdk.com'],
};

export const allHosts = Object.values(hosts).flat();
