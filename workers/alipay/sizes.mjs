// Counts the sources of a package before any upload. What phones load is compiled from them by the vendor, so it is an estimate:
// packages of npm, of which only parts get in, do not count.

const plain = (name) => String(name).replace(/^(\.?\/)+/, '').replace(/\/+$/, '');

/** `files` is [{path, size}], `root` "" or "dir/". → [{name, bytes}]: `__FULL__`, `__APP__`, then each sub-package by its root. */
export function packageSizes(files, app, root = '') {
  const list = app.subPackages ?? app.subpackages;
  const roots = (Array.isArray(list) ? list : []).map((entry) => (typeof entry?.root === 'string' ? plain(entry.root) : '')).filter(Boolean);
  // The longest first, so that a nested one is not counted into its parent.
  const longest = [...new Set(roots)].sort((a, b) => b.length - a.length);
  const bytes = new Map([['__FULL__', 0], ['__APP__', 0], ...roots.map((name) => [name, 0])]);
  for (const { path, size } of files) {
    if (!path.startsWith(root) || path.endsWith('.map') || /(^|\/)node_modules\//.test(path) || path === 'mini.project.json') continue;
    const name = longest.find((each) => path.startsWith(`${root}${each}/`)) ?? '__APP__';
    bytes.set(name, bytes.get(name) + size);
    bytes.set('__FULL__', bytes.get('__FULL__') + size);
  }
  return [...bytes].map(([name, count]) => ({ name, bytes: count }));
}
