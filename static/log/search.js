// Looks for text in the whole log: the server in what is stored, the page itself in lines that arrive meanwhile.

import { plain } from './ansi.js';
import { Hits } from './hits.js';
import { matcher } from './match.js';

const PAUSE = 150;
const WINDOW = 10_000; // lines, and so never more matches than one answer holds

/** `line(n)` gives a line that is at hand; `last()` the number of the last; `onChange` is told that `state` changed. */
export function search(url, { line, last, onChange }) {
  const none = () => ({ find: null, hits: new Hits(), busy: false, failed: false, counted: 0, partial: false });
  let state = none();
  let timer = 0;
  let stop = new AbortController();

  async function ask(from) {
    const mine = state;
    const query = new URLSearchParams({ q: mine.find.query, from });
    const answer = await fetch(`${url}/log/search?${query}`, { signal: stop.signal });
    if (!answer.ok) throw new Error(`${answer.status} for a search`);
    const { total, lines, through, more, before } = await answer.json();
    // An answer can be full of matches: it lists those before `more`, and may have counted the others as well, or not.
    const full = more !== null && (more <= through || lines.length >= WINDOW);
    const to = more === null ? through : more - 1;
    if (through >= mine.counted) {
      mine.hits.total = total;
      mine.counted = through;
      mine.partial = full && more > through;
    }
    const rank = before ?? (from === 1 ? 0 : more !== null && more <= through ? NaN : total - lines.length);
    mine.hits.add(from, to, lines, rank);
    return { to, full };
  }

  /** Reads on from the beginning until all is counted, or an answer was full of matches. */
  async function count() {
    for (let from = 1; ;) {
      const { to, full } = await ask(from);
      // Lines may have come while the server was looking.
      if (full || state.counted >= last() || catchUp()) return;
      if (to < from) throw new Error('a search that does not move on');
      from = to + 1;
      onChange(state);
    }
  }

  /** Counts lines that are here already; false if some went out of reach. */
  function catchUp() {
    const { hits, find } = state;
    const from = state.counted + 1;
    const found = [];
    for (let n = from; n <= last(); n += 1) {
      const one = line(n);
      if (!one) return false;
      if (find.in(plain(one.text))) found.push(n);
    }
    hits.add(from, last(), found, hits.total);
    hits.total += found.length;
    state.counted = last();
    return true;
  }

  async function busy(work) {
    const mine = state;
    mine.busy = true;
    onChange(mine);
    try {
      const done = await work();
      mine.failed = false;
      return done;
    } catch (error) {
      if (error.name !== 'AbortError') mine.failed = true;
      return null;
    } finally {
      mine.busy = false;
      if (mine === state) onChange(mine);
    }
  }

  return {
    get state() {
      return state;
    },
    /** Looks for another text, once typing pauses. */
    look(text) {
      clearTimeout(timer);
      stop.abort();
      stop = new AbortController();
      state = { ...none(), find: matcher(text) };
      if (state.find) {
        state.busy = true;
        timer = setTimeout(() => busy(count), PAUSE);
      }
      onChange(state);
    },
    /** Lines have arrived. */
    grew() {
      if (!state.find || state.busy || state.failed || state.partial) return;
      if (!catchUp()) busy(count);
      else onChange(state);
    },
    /** The match after or before line `n`, around the ends → {n, i} or null. */
    async step(n, by) {
      clearTimeout(timer);
      const mine = state;
      if (!mine.find) return null;
      if (mine.counted === 0) await busy(count);
      const end = () => Math.min(mine.counted, last());
      const next = (from) => (by > 0 ? mine.hits.after(from, end()) : mine.hits.before(from));
      let found = next(n);
      for (let turns = 0, asked = 0; mine === state && asked < 100; asked += 1) {
        if (found?.n) return found;
        if (!found) {
          // Once around.
          turns += 1;
          if (turns > 1 || !mine.hits.total) return null;
          found = next(by > 0 ? 0 : end() + 1);
          continue;
        }
        const from = by > 0 ? found.ask : Math.max(1, found.ask - WINDOW + 1);
        if ((await busy(() => ask(from))) === null) return null;
        found = next(by > 0 ? found.ask - 1 : found.ask + 1);
      }
      return null;
    },
  };
}
