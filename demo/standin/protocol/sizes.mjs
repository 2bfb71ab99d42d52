// Counts a package as the vendor's receipts do: in full, the main package, and each subpackage that app.json names.

// The CLI leaves source maps out of its own count, and the signature is no part of a program.
const counted = (name) => !name.endsWith('.js.map') && name !== 'ci.signature';

export function appJson(files) {
  try {
    return JSON.parse(files.get('app.json').toString('utf8'));
  } catch {
    return null;
  }
}

/** @returns {{name: string, size: number}[]} bytes, as in the vendor's `subpackage_info` */
export function packageSizes(files, app = appJson(files)) {
  const roots = (app?.subPackages ?? app?.subpackages ?? [])
    .filter((entry) => typeof entry?.root === 'string')
    .map(({ root, name }) => ({ root: root.replace(/^\/+|\/+$/g, ''), name }))
    .filter(({ root }) => root)
    // Public quotes show the declared name; that an unnamed one goes by its root is our guess.
    .map(({ root, name }) => ({ root, name: name || root, size: 0 }));
  // Roots may nest; a file belongs to the innermost.
  const byDepth = [...roots].sort((a, b) => b.root.length - a.root.length);
  let full = 0;
  let main = 0;
  for (const [name, content] of files) {
    if (!counted(name)) continue;
    full += content.length;
    const home = byDepth.find(({ root }) => name.startsWith(`${root}/`));
    if (home) home.size += content.length;
    else main += content.length;
  }
  return [
    { name: '__FULL__', size: full },
    { name: '__APP__', size: main },
    ...roots.map(({ name, size }) => ({ name, size })),
  ];
}

/** Plugins named by app.json. Their sizes are known only to the vendor, hence 0. */
export function plugins(app) {
  const owners = [app, ...(app?.subPackages ?? app?.subpackages ?? [])];
  return owners
    .flatMap((owner) => Object.values(owner?.plugins ?? {}))
    .map(({ provider, version }) => ({ provider, version, size: 0 }));
}
