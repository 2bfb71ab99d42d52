// Turns a program's options into miniprogram-ci settings. Knows names only: no files, no key, no network.

/** A form or the API may send a boolean, its text, or on/off; anything else means "as the project says". */
export function toggle(value) {
  if (value === true || value === 'true' || value === 'on') return true;
  if (value === false || value === 'false' || value === 'off') return false;
  return undefined;
}

/** Settings of the keyless compile: the project's own, with only those overrides somebody asked for. */
export function compileSetting(options) {
  const setting = { useProjectConfig: true };
  for (const name of ['es6', 'es7', 'autoPrefixWXSS', 'codeProtect']) {
    const value = toggle(options[name]);
    if (value !== undefined) setting[name] = value;
  }
  const minify = toggle(options.minify);
  if (minify !== undefined) {
    // `minify: false` alone does not switch off what project.config.json switches on; the three parts do.
    Object.assign(setting, { minify, minifyJS: minify, minifyWXML: minify, minifyWXSS: minify });
  }
  return setting;
}

/** Nothing is compiled a second time. `codeProtect` stays because it is a flag of the upload request itself. */
export function deliverSetting(options) {
  return toggle(options.codeProtect) === true ? { codeProtect: true } : {};
}
