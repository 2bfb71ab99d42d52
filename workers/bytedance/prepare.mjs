// Stage 1: checks without key or network, and copies what is shipped. The vendor compiles on its own servers, so nothing of the
// repository runs here; what this leaves in /out is hostile input for stage 2 all the same.

import { join } from 'node:path';
import { assertRequest } from './launch.mjs';
import { copyPlain } from './plain.mjs';
import { readProject, skipUnshipped } from './project.mjs';
import { kindOf, packageSizes } from './sizes.mjs';
import { loadVendor, quiet, vendorFailure } from './vendor.mjs';

export async function prepare({ job, events, scratch }) {
  assertRequest(job);
  const target = join(job.out, 'package');
  const files = copyPlain(job.project, target, skipUnshipped);
  events.log(`${files.length} files in the package`);
  const project = readProject(target, job.app_id);
  if (project.extAppId !== null) {
    events.warn('ext_app', `ext.json is switched on: the platform treats this as the app ${project.extAppId}, built from the template ${job.app_id}`);
  }

  const { tma, cli } = loadVendor(scratch);
  const hide = quiet(events);
  let counted;
  try {
    counted = await tma.getProjectSize(target);
  } catch (error) {
    throw vendorFailure(error, 'start', hide);
  }
  const sizes = packageSizes(counted);
  for (const { name, bytes } of sizes) events.log(`${name}: ${bytes} bytes`);
  const kind = kindOf(project, job.action);
  return { ok: true, version: job.version, ...(kind ? { kind } : {}), sizes, vendor: { cli } };
}
