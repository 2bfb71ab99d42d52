// Stage 1: checks, builds npm and compiles with the vendor's tool, offline and without a key. Repository code may run here
// (Less and Sass plugins), so it must not know where keys are, and what it leaves in /out is hostile input for stage 2.

import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assertLinksInside, assertPlainName, listTree } from '../lib/tree.mjs';
import { packageConfig, packageRoots } from './kinds.mjs';
import { assertPacked, copyProject, npmPlan, outsideRoot, packNpm } from './npm.mjs';
import { compileSetting } from './options.mjs';
import { readProject, skipVendorIgnored } from './project.mjs';
import { packageSizes } from './sizes.mjs';
import { loadVendor, OFFLINE_ATTR, progressReporter, vendorFailure } from './vendor.mjs';

const PLUGIN_VERSION = /^\d{1,3}\.\d{1,3}\.\d{1,3}$/;

export async function prepare({ job, events, scratch }) {
  const original = realpathSync(job.project);
  const found = readProject(original, job.app_id);
  if (found.kind.plugin && job.action === 'upload' && !PLUGIN_VERSION.test(job.version)) {
    events.warn('plugin_version', `plugins are published as three numbers up to 999, such as 1.2.3; this version is ${job.version}`);
  }
  const entries = listTree(original, { skip: skipVendorIgnored });
  assertLinksInside(original, entries);
  const plan = npmPlan(original, found, entries);
  const outside = outsideRoot(original, found);
  if (outside !== null) events.warn('npm_outside_root', outside);
  const { ci, cli } = loadVendor();

  let projectPath = original;
  if (plan.length > 0) {
    events.group('build npm');
    projectPath = join(scratch.root, 'project');
    copyProject(original, projectPath, entries);
    await packNpm(ci, { project: original, copy: projectPath, scratch: scratch.root, appId: job.app_id, plan, events });
  }

  events.group('compile');
  events.log('compiling without network: a failed request for the list of file types is expected, the built-in list is used');
  const compiled = await compile(ci, { job, events, kind: found.kind, projectPath, files: entries.map((entry) => entry.path) });
  assertPacked(original, found, plan, compiled);

  const target = join(job.out, 'package');
  const files = writePackage(target, { ...compiled, 'project.config.json': packageConfig(found.kind) });
  const sizes = packageSizes(files, found.json, packageRoots(found.kind));
  events.log(`${files.length} files in the package`);
  for (const { name, bytes } of sizes) events.log(`${name}: ${bytes} bytes`);
  return { ok: true, version: job.version, ...(found.kind.game ? { kind: 'game' } : {}), sizes, vendor: { cli } };
}

async function compile(ci, { job, events, kind, projectPath, files }) {
  const progress = progressReporter(events, files);
  try {
    const project = new ci.Project({
      appid: job.app_id,
      type: kind.type,
      projectPath,
      privateKey: 'x',
      attr: async () => ({ ...OFFLINE_ATTR, gameApp: kind.game }),
    });
    const compiled = await ci.getCompiledResult({
      project,
      version: job.version,
      setting: compileSetting(job.options),
      includedMap: true,
      threads: job.threads,
      onProgressUpdate: progress.update,
    });
    progress.finish('compiled');
    return compiled;
  } catch (error) {
    throw vendorFailure(error);
  }
}

/** The tool returns {name: text or Buffer}; writing it ourselves leaves no zip whose entries could climb out. */
function writePackage(target, compiled) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  return Object.keys(compiled).sort().map((path) => {
    assertPlainName(path);
    const content = Buffer.from(compiled[path]);
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), content, { flag: 'wx' });
    return { path, size: content.length };
  });
}
