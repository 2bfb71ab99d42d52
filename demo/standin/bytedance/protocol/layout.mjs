// What a package must have, and its sizes the way the vendor's service names them: "__APP__" and "sub/".

/** → {missing} naming what is wrong in a few words, or {sizes}. */
export function examine(files, appid) {
  const config = parse(files.get('project.config.json'));
  if (!config) return { missing: 'project.config.json' };
  if (config.appid !== appid) return { missing: `the appid ${appid} in project.config.json` };
  const root = String(config.miniprogramRoot ?? '').replace(/^(\.?\/)+/, '').replace(/([^/])$/, '$1/');
  const app = parse(files.get(`${root}app.json`));
  if (!app) return { missing: `${root}app.json` };
  return { sizes: sizesOf(files, root, app.subPackages ?? app.subpackages ?? []) };
}

function sizesOf(files, root, subpackages) {
  const names = subpackages.map((each) => `${String(each.root).replace(/^\/|\/$/g, '')}/`);
  const sizes = Object.fromEntries(['__APP__', ...names].map((name) => [name, 0]));
  for (const [path, content] of files) {
    if (!path.startsWith(root) || path.endsWith('.js.map')) continue;
    sizes[names.find((name) => path.startsWith(root + name)) ?? '__APP__'] += content.length;
  }
  return sizes;
}

function parse(content) {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return null;
  }
}
