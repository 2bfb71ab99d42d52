// What a job asks for: the version of an upload, what a preview opens. Knows the rules of the vendor's tool, no files and no network.

import { Failure } from '../lib/failure.mjs';
import { oneLine } from '../lib/text.mjs';

export function assertRequest(job) {
  if (job.action === 'preview') return assertLaunch(job);
  if (!/^\d+\.\d+\.\d+$/.test(job.version)) throw new Failure('version_invalid', `the version must be three numbers such as 1.2.3, not "${oneLine(job.version, 64)}"`);
}

/** The tool drops query and scene without a word where there is no page, so that is refused. */
function assertLaunch(job) {
  if (job.page_path !== '') return;
  const given = [['query', job.query !== ''], ['scene', job.scene !== undefined]].filter(([, is]) => is).map(([name]) => name);
  if (given.length > 0) throw new Failure('page_path_missing', `${given.join(' and ')} without a page path`);
}

export function launchOf(job) {
  return {
    path: job.page_path.replace(/^\/+/, ''),
    query: job.query.replace(/^\?/, ''),
    scene: job.scene === undefined ? '' : String(job.scene),
    launchFrom: '',
    location: '',
  };
}
