// Preloaded into a driver (NODE_OPTIONS=--import): repeated timers of a second tick every few milliseconds, so that what a
// vendor's tool asks a hundred times, once a second, is over soon.

const real = globalThis.setInterval;

globalThis.setInterval = (action, delay, ...rest) => real(action, delay === 1000 ? 5 : delay, ...rest);
