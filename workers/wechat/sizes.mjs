// Counts package sizes in a compiled package, before any upload. Knows no vendor API.

const NOT_SHIPPED = new Set(['project.config.json', 'project.private.config.json', 'ci.signature']);

/** Sub-packages in app.json or game.json as [{root, name}]: roots without slashes at either end, a name where one is declared. */
export function subpackages(json) {
  const list = json?.subPackages ?? json?.subpackages;
  if (!Array.isArray(list)) return [];
  const all = list.map((entry) => ({ root: plainName(typeof entry?.root === 'string' ? entry.root : ''), name: entry?.name }));
  return all.filter(({ root }, index) => root !== '' && all.findIndex((other) => other.root === root) === index);
}

/** The vendor writes sub-packages with slashes around them; one spelling everywhere makes sizes comparable. */
export function plainName(name) {
  return String(name).replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
}

/**
 * `files` is [{path, size}]. → [{name, bytes}]: `__FULL__` (everything), `__APP__` (the main package), `__PLUGIN__` where
 * there is one, then each sub-package. Source maps and files that only serve the tool do not count: phones never load them.
 */
export function packageSizes(files, json, { root, pluginRoot } = { root: '', pluginRoot: '' }) {
  const places = subpackages(json).map((each) => ({ name: each.root, at: root + each.root }));
  if (pluginRoot !== '') places.unshift({ name: '__PLUGIN__', at: plainName(pluginRoot) });
  // The longest first, so that a nested one is not counted into its parent.
  const longest = [...places].sort((a, b) => b.at.length - a.at.length);
  const bytes = new Map([['__FULL__', 0], ['__APP__', 0], ...places.map(({ name }) => [name, 0])]);
  for (const { path, size } of files) {
    if (path.endsWith('.map') || NOT_SHIPPED.has(path)) continue;
    // A game's sub-package may be a single script.
    const name = longest.find(({ at }) => path === at || path.startsWith(`${at}/`))?.name ?? '__APP__';
    bytes.set(name, bytes.get(name) + size);
    bytes.set('__FULL__', bytes.get('__FULL__') + size);
  }
  return [...bytes].map(([name, count]) => ({ name, bytes: count }));
}
