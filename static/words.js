// What scripts say, in the language of the page: the server puts the words into every page.

const read = () => {
  const block = globalThis.document?.getElementById('words');
  try {
    return JSON.parse(block?.textContent || '{}');
  } catch {
    return {};
  }
};

export const lang = globalThis.document?.documentElement.lang || 'zh-CN';

/**
 * Makes a `say` for a tree of words: `say('log.lines', { n: 5 })`. A text holds `%{name}` placeholders; numbers are written
 * as the language writes them. A text in several forms is an object like `{one, other}`, and `n` picks one.
 * An unknown key shows itself.
 */
export function wording(words, language) {
  const numbers = new Intl.NumberFormat(language);
  const plurals = new Intl.PluralRules(language);
  const shown = (value) => (typeof value === 'number' ? numbers.format(value) : String(value));
  return (key, values = {}) => {
    const found = key.split('.').reduce((tree, name) => (tree && Object.hasOwn(tree, name) ? tree[name] : undefined), words);
    const text = typeof found === 'object' && found ? (found[plurals.select(Number(values.n) || 0)] ?? found.other) : found;
    if (typeof text !== 'string') return key;
    return text.replace(/%\{(\w+)\}/g, (mark, name) => (Object.hasOwn(values, name) ? shown(values[name]) : mark));
  };
}

/** Keys are written out where this is called: a test looks each of them up. */
export const say = wording(read(), lang);
