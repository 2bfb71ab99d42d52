// The only process that knows the key: takes one task from its parent, calls the vendor's tool, reports. It is started under Node's
// permission model (confine.mjs): it can read the package and its own modules and can start no process.

import { createRequire } from 'node:module';
import { loadVendor } from './vendor.mjs';

const { setSilent } = createRequire(import.meta.url)('minidev');

let phase = 'session';
const tell = (message) => new Promise((done) => process.send(message, done));
const enter = (name) => tell({ phase: (phase = name) });

const tasks = {
  /** The question first: it proves key, tool id and whitelist before anything is sent. */
  async upload(minidev, { appId, version, description, project }) {
    await enter('session');
    const last = await minidev.app.getUploadedVersion({ appId, clientType: 'alipay' });
    if (!isHigher(version, last)) throw Object.assign(new Error(`${version} is not higher than ${last}, the last version at Alipay`), { errorCode: 'version_not_higher' });
    await enter('upload');
    const hooks = { onTaskCreated: () => enter('remote_build'), onLog: (text) => tell({ log: String(text) }) };
    return minidev.upload({ appId, version, versionDescription: description, project, clientType: 'alipay' }, hooks);
  },
  async experience(minidev, { appId, version }) {
    await enter('experience');
    return minidev.app.setExperience({ appId, version, clientType: 'alipay' });
  },
  /** The package was built in the keyless stage; here it is only packed. */
  async preview(minidev, given) {
    await enter('preview');
    const { qrcodeUrl, version } = await minidev.preview({ ...given, clientType: 'alipay', autoPush: false, skipBuild: true, skipDisplayPreviewResult: true });
    return { qrCodeUrl: qrcodeUrl, version };
  },
};

function isHigher(version, last) {
  const [a, b] = [version, last].map((text) => String(text || '0.0.0').split('.').map(Number));
  const at = a.findIndex((part, index) => part !== (b[index] ?? 0));
  return at !== -1 && a[at] > (b[at] ?? 0);
}

// The tool leaves one request of "set as trial" unawaited; what matters shows in the answers to the others.
process.on('unhandledRejection', (error) => tell({ log: `minidev: ${error?.message ?? error}` }));

process.once('message', async ({ credentials, todo }) => {
  setSilent(true);
  try {
    const { minidev } = await loadVendor(credentials);
    let answer;
    for (const { task, ...given } of todo) {
      answer = await tasks[task](minidev, given);
      await tell({ done: task, answer: JSON.parse(JSON.stringify(answer ?? null)) });
    }
    process.exit(0);
  } catch (error) {
    const { errorCode, code, status, message, payload } = error ?? {};
    await tell({ failed: { phase, errorCode, code: code ?? (status ? `http_${status}` : undefined), message: String(message ?? error), payload: Array.isArray(payload) ? payload.map(String).slice(-40) : undefined } });
    process.exit(1);
  }
});
