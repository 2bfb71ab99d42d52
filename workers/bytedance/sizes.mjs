// Package sizes as the server names them, from the tool's own count before an upload and from the vendor's reply after it.

const plainName = (name) => String(name).replace(/^(\.?\/)+/, '').replace(/\/+$/, '');

/** From the tool's count: {main: {size}, sub: [{path, size}], total}. */
export function packageSizes({ main, sub = [], total }) {
  return [
    { name: '__FULL__', bytes: total },
    { name: '__APP__', bytes: main.size },
    ...sub.map(({ path, size }) => ({ name: plainName(path), bytes: size })),
  ];
}

/** From the vendor: {"__APP__": bytes, "sub/": bytes}; the whole is not named there. */
export function receiptSizes(packageSize) {
  const named = Object.entries(packageSize ?? {}).filter(([name, bytes]) => plainName(name) !== '' && Number.isSafeInteger(bytes) && bytes >= 0);
  if (named.length === 0) return [];
  const sizes = named.map(([name, bytes]) => ({ name: plainName(name), bytes }));
  if (sizes.some(({ name }) => name === '__FULL__')) return sizes;
  return [{ name: '__FULL__', bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0) }, ...sizes];
}

/** The tool has other limits where there are sub-packages, and for previews of projects that say `bigPackageSizeSupport`. */
export function kindOf({ subpackages, large }, action) {
  const parts = [subpackages.length > 0 ? 'split' : '', large && action === 'preview' ? 'large' : ''];
  return parts.filter(Boolean).join('-');
}
