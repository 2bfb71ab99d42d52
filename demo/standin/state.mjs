// Remembers apps, accepted packages and requests; apps and packages survive a restart in the state directory.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MAX_REQUESTS = 5000;

// An app id becomes a directory name.
export const isAppId = (value) => typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value);

export class State {
  #dir;
  #apps = new Map();
  #requests = [];

  constructor(dir) {
    this.#dir = join(dir, 'apps');
    mkdirSync(this.#dir, { recursive: true });
    for (const appid of readdirSync(this.#dir)) this.#load(appid);
  }

  app(appid) {
    return this.#apps.get(appid) ?? { appid, vendor: 'wechat', scenario: 'ok', whitelist: [], uploads: [] };
  }

  update(appid, changes) {
    const app = { ...this.app(appid), ...changes };
    const { uploads, ...settings } = app;
    this.#apps.set(appid, app);
    mkdirSync(join(this.#dir, appid, 'uploads'), { recursive: true });
    save(join(this.#dir, appid, 'app.json'), JSON.stringify(settings));
    return app;
  }

  /** Lists an accepted package and keeps its bytes. */
  accept(appid, upload, gzipped) {
    const { uploads } = this.app(appid);
    const file = join(this.#dir, appid, 'uploads', String(uploads.length));
    // The description last: without it the package counts as never received.
    save(`${file}.pkg.gz`, gzipped);
    save(`${file}.json`, JSON.stringify(upload));
    uploads.push(upload);
  }

  package(appid, index) {
    return readFileSync(join(this.#dir, appid, 'uploads', `${index}.pkg.gz`));
  }

  saw(request) {
    this.#requests.push(request);
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift();
  }

  /** Since this process started; of one app, or of all. */
  requests(appid) {
    return appid ? this.#requests.filter((request) => request.appid === appid) : this.#requests;
  }

  #load(appid) {
    const settings = join(this.#dir, appid, 'app.json');
    if (!isAppId(appid) || !existsSync(settings)) return;
    const uploads = [];
    for (;;) {
      const file = join(this.#dir, appid, 'uploads', `${uploads.length}.json`);
      if (!existsSync(file)) break;
      uploads.push(JSON.parse(readFileSync(file, 'utf8')));
    }
    this.#apps.set(appid, { ...JSON.parse(readFileSync(settings, 'utf8')), uploads });
  }
}

function save(file, content) {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}
