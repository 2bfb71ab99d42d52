// Counts package sizes in a compiled package, before any upload. Knows no vendor API.

const NOT_SHIPPED = new Set(['project.config.json', 'project.private.config.json', 'ci.signature']);

/** Roots of the sub-packages in app.json, without slashes at either end. */
export function subpackageRoots(app) {
  const list = app.subPackages ?? app.subpackages;
  if (!Array.isArray(list)) return [];
  const roots = list.map((entry) => plainName(typeof entry?.root === 'string' ? entry.root : ''));
  return [...new Set(roots.filter((root) => root !== ''))];
}

/** The vendor writes sub-packages with slashes around them; one spelling everywhere makes sizes comparable. */
export function plainName(name) {
  return String(name).replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
}

/**
 * `files` is [{path, size}]. → [{name, bytes}]: `__FULL__` (everything), `__APP__` (the main package), then one per
 * sub-package. Source maps and files that only serve the tool do not count: they are not part of what phones load.
 */
export function packageSizes(files, app) {
  // The longest root first, so that a nested one is not counted into its parent.
  const roots = subpackageRoots(app);
  const longest = [...roots].sort((a, b) => b.length - a.length);
  const bytes = new Map([['__FULL__', 0], ['__APP__', 0], ...roots.map((root) => [root, 0])]);
  for (const { path, size } of files) {
    if (path.endsWith('.map') || NOT_SHIPPED.has(path)) continue;
    const name = longest.find((root) => path.startsWith(`${root}/`)) ?? '__APP__';
    bytes.set(name, bytes.get(name) + size);
    bytes.set('__FULL__', bytes.get('__FULL__') + size);
  }
  return [...bytes].map(([name, count]) => ({ name, bytes: count }));
}
