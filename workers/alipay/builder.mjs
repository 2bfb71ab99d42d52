// The vendor's closed native builder, which a preview needs: where it is, and a build with it that knows no key and no network.

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { BUILDER_VERSION, loadVendor } from './vendor.mjs';

/** Asked before the tool is: it would try to download the builder, in vain, since this stage has no network. */
export function assertBuilder(dir = process.env.MINIDEV_COMPILEDIR) {
  const path = dir ? join(dir, 'compilers', `cubebuild@${BUILDER_VERSION}`, 'linux', 'mini-pkg-builder') : null;
  try {
    accessSync(path ?? '', constants.X_OK);
  } catch {
    throw new Failure('builder_missing', `a preview needs Alipay's builder ${BUILDER_VERSION}, which is not in this image`);
  }
}

/** Builds `project` into `output`, as the tool's preview would. Its words, and the builder's, go to the log. */
export async function build({ project, output, appId }) {
  const { minidev } = await loadVendor();
  try {
    await minidev.build({ project, output, appId, clientType: 'alipay', enableSubPackagesOnlyBuild: true });
  } catch (error) {
    throw new Failure('build_failed', String(error?.message ?? error));
  }
}
