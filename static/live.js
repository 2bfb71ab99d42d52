// A socket that heals itself: after a restart of the server, a sleep of the computer, a change of the network.

const BEAT_LOST = 45_000; // the server says something at least every 20 s
const STALE = 25_000; // after waking up
const CONNECTING = 15_000; // a network that swallows everything never fails by itself
const LONGEST_WAIT = 30_000;

const broken = new Set();

function connected(name, yes) {
  if (yes) broken.delete(name);
  else broken.add(name);
  const bar = document.getElementById('offline');
  if (bar) bar.hidden = broken.size === 0;
}

/** Milliseconds since it was made or reset. Some clocks stand still during sleep, the others can be set back. */
function stopwatch() {
  let wall = Date.now();
  let steady = performance.now();
  return {
    reset() {
      wall = Date.now();
      steady = performance.now();
    },
    get ms() {
      return Math.max(Date.now() - wall, performance.now() - steady);
    },
  };
}

/**
 * `url()` is asked before each attempt. `onFrame(frame)` gets the parsed JSON of a text, the ArrayBuffer of a binary message.
 * `onState` is told `connecting`, `open`, `waiting` (until the next attempt) and `closed` (by us, for good).
 * The quiet bar shows after the second failed attempt, so that a restart of the server does not flash.
 */
export function live(name, url, onFrame, onState = () => {}) {
  let socket;
  let settled = false;
  let tries = 0;
  let timer;
  let told;
  const heard = stopwatch();
  let reopened = -Infinity;
  const over = new AbortController();

  const tell = (state) => {
    if (state === told) return;
    told = state;
    onState(state);
  };

  const settle = (mine) => {
    if (mine !== socket || settled || over.signal.aborted) return;
    settled = true;
    tries = 0;
    clearTimeout(timer);
    connected(name, true);
    tell('open');
  };

  const open = () => {
    clearTimeout(timer);
    heard.reset();
    settled = false;
    const address = new URL(url(), location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const mine = new WebSocket(address);
    mine.binaryType = 'arraybuffer';
    socket = mine;
    tell('connecting');
    // A server that accepts and hangs up at once is no connection yet.
    mine.onopen = () => {
      if (mine === socket) timer = setTimeout(settle, 1000, mine);
    };
    mine.onmessage = ({ data }) => {
      if (mine !== socket || over.signal.aborted) return;
      heard.reset();
      settle(mine);
      if (typeof data !== 'string') return onFrame(data);
      let frame;
      try { frame = JSON.parse(data); } catch { return; }
      if (!frame?.beat) onFrame(frame);
    };
    mine.onclose = () => {
      if (mine === socket && !over.signal.aborted) wait();
    };
  };

  /** Lets go of the socket, which may take its time to close, or never notice. */
  const drop = () => {
    const old = socket;
    socket = undefined;
    old?.close();
  };

  const failed = () => {
    tries += 1;
    if (tries > 1) connected(name, false);
  };

  const wait = () => {
    drop();
    clearTimeout(timer);
    failed();
    tell('waiting');
    const ms = Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(tries, 6));
    timer = setTimeout(open, ms * (0.75 + Math.random() / 2));
  };

  const again = () => {
    drop();
    open();
  };

  const watch = setInterval(() => {
    if (!socket) return;
    if (socket.readyState === WebSocket.CONNECTING) {
      if (heard.ms > CONNECTING) wait();
    } else if (heard.ms > BEAT_LOST) {
      failed();
      again();
    }
  }, 5000);

  const wake = ({ type }) => {
    if (document.hidden && type !== 'online') return;
    if (!socket || socket.readyState > WebSocket.OPEN || heard.ms > STALE) again();
  };
  const { signal } = over;
  window.addEventListener('online', wake, { signal });
  window.addEventListener('pageshow', wake, { signal });
  document.addEventListener('visibilitychange', wake, { signal });
  open();

  return {
    close() {
      if (signal.aborted) return;
      over.abort();
      clearTimeout(timer);
      clearInterval(watch);
      drop();
      connected(name, true);
      tell('closed');
    },
    /** Drops the connection and asks `url()` again at once. */
    reopen() {
      if (signal.aborted) return;
      // Twice within a second is no accident: wait like after any failure.
      const soon = performance.now() - reopened < 1000;
      reopened = performance.now();
      if (soon) wait();
      else again();
    },
  };
}
