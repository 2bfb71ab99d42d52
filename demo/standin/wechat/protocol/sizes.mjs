// Counts a package as the vendor's receipts do: in full, the main package, and each subpackage that app.json names.

// The CLI leaves source maps out of its own count, and the signature is no part of a program.
const counted = (name) => !name.endsWith('.js.map') && name !== 'ci.signature';

/** @returns {{name: string, size: number}[]} bytes, as in the vendor's `subpackage_info` */
export function packageSizes(files, { json, root, plugin }) {
  const places = (json?.subPackages ?? json?.subpackages ?? [])
    .filter((entry) => typeof entry?.root === 'string')
    .map((entry) => ({ name: entry.name, at: entry.root.replace(/^\/+|\/+$/g, '') }))
    .filter(({ at }) => at)
    // Public quotes show the declared name; that an unnamed one goes by its root is our guess.
    .map(({ name, at }) => ({ name: name || at, at: root + at, size: 0 }));
  // How receipts name the plugin's part is not known publicly.
  if (plugin) places.unshift({ name: '__PLUGIN__', at: plugin.replace(/\/$/, ''), size: 0 });
  // Roots may nest; a file belongs to the innermost. A game's may be a single script.
  const byDepth = [...places].sort((a, b) => b.at.length - a.at.length);
  let full = 0;
  let main = 0;
  for (const [name, content] of files) {
    if (!counted(name)) continue;
    full += content.length;
    const home = byDepth.find(({ at }) => name === at || name.startsWith(`${at}/`));
    if (home) home.size += content.length;
    else main += content.length;
  }
  return [
    { name: '__FULL__', size: full },
    { name: '__APP__', size: main },
    ...places.map(({ name, size }) => ({ name, size })),
  ];
}

/** Plugins named by app.json or game.json. Their sizes are known only to the vendor, hence 0. */
export function plugins(json) {
  const owners = [json, ...(json?.subPackages ?? json?.subpackages ?? [])];
  return owners
    .flatMap((owner) => Object.values(owner?.plugins ?? {}))
    .map(({ provider, version }) => ({ provider, version, size: 0 }));
}
