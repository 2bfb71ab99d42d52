// mini.built.json, which the keyless build leaves beside its output and the tool's preview goes by. It comes from a stage in which
// code of the project may run, so only what is known to be harmless passes.

import { Failure } from '../lib/failure.mjs';
import { readObject } from './project.mjs';

export const REPORT = 'mini.built.json';

const PACKAGE_INFO = ['mainUrl', 'appType', 'subUrl', 'extraInfo', 'pluginList', 'extendInfo', 'packageName', 'idePreviewType', 'debugType', 'openDebugSwitch'];

/** What the report in `dir` may say in the keyed process, for the app that this job is about. */
export function passingReport(dir, { appId, project }) {
  const report = readObject(dir, REPORT, 'build_report_invalid');
  if (report === null) throw new Failure('build_report_missing', `the build left no ${REPORT}`, REPORT);
  const { packageInfo, projectConfig, appJson, compileVersion, renderType, isSubPack, enableSubPackagesOnlyBuild } = report;
  if (!/^[a-z-]{1,20}$/.test(compileVersion ?? '') || !/^[a-z-]{1,20}$/.test(renderType ?? '') || !plainObject(packageInfo) || !plainObject(appJson)) {
    throw new Failure('build_report_invalid', `${REPORT} is not as the vendor's tool writes it`, REPORT);
  }
  const { scripts, ...settings } = plainObject(projectConfig) ? projectConfig : {};
  return {
    compileVersion,
    renderType,
    isSubPack: isSubPack === true,
    enableSubPackagesOnlyBuild: enableSubPackagesOnlyBuild === true,
    appId,
    input: project,
    output: project,
    appJson,
    widgetJson: {},
    projectConfig: { ...settings, _raw: {}, miniprogramRoot: project },
    packageInfo: {
      ...Object.fromEntries(PACKAGE_INFO.filter((name) => packageInfo[name] !== undefined).map((name) => [name, packageInfo[name]])),
      // These go into the request as they are here: another app's id would be signed too, and "true" pushes to somebody's phone.
      appId,
      clientType: 'com.alipay.alipaywallet',
      needSync: 'false',
    },
  };
}

const plainObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
