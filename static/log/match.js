// What is looked for: literal, in any case. Knows no page.

const special = /[\\^$.*+?()[\]{}|/]/g;

/** → the places of `query` in a text, or a test for it; null for an empty query. */
export function matcher(query) {
  if (!query) return null;
  const all = new RegExp(query.replace(special, '\\$&'), 'giu');
  return {
    query,
    in(text) {
      all.lastIndex = 0;
      return all.test(text);
    },
    places: (text) => Array.from(text.matchAll(all), ({ index, 0: { length } }) => ({ from: index, to: index + length })),
  };
}

/** Cuts a text where a colour or a match begins or ends → [{text, style, match}], `match` the number of one from 1 on or 0. */
export function pieces(text, spans, places) {
  const cuts = new Set([0, text.length]);
  for (const { from, to } of spans) cuts.add(from).add(to);
  for (const { from, to } of places) cuts.add(from).add(to);
  const at = [...cuts].sort((a, b) => a - b);
  const found = [];
  let s = 0;
  let p = 0;
  for (let i = 0; i + 1 < at.length; i += 1) {
    while (s < spans.length && spans[s].to <= at[i]) s += 1;
    while (p < places.length && places[p].to <= at[i]) p += 1;
    const style = spans[s]?.from <= at[i] ? spans[s].style : null;
    const match = places[p]?.from <= at[i] ? p + 1 : 0;
    found.push({ text: text.slice(at[i], at[i + 1]), style, match });
  }
  return found;
}
