// The release page, watched from inside.

const STATE = '#release-head [data-release-state]';

export const state = (page) => page.locator(STATE).getAttribute('data-release-state');

/** Waits, without a reload, for the end → how it ended. */
export async function untilOver(page, timeout = 60_000) {
  await page.waitForFunction(
    (selector) => {
      const state = document.querySelector(selector)?.dataset.releaseState;
      return state && state !== 'queued' && state !== 'running';
    },
    STATE,
    { timeout },
  );
  return state(page);
}

/** Notes every change of state, running stage (0 to 4) and number of lines; a reload would forget them. */
export const record = (page) => page.evaluate((selector) => {
  window.samples = [];
  const look = () => {
    const stage = [...document.querySelectorAll('.stage')].findIndex((e) => e.dataset.state === 'running');
    const now = { state: document.querySelector(selector)?.dataset.releaseState, stage: String(stage), lines: document.querySelectorAll('#log .line').length };
    if (JSON.stringify(now) !== JSON.stringify(window.samples.at(-1))) window.samples.push(now);
  };
  look();
  new MutationObserver(look).observe(document.getElementById('main'), { childList: true, subtree: true });
}, STATE);

export const samples = (page) => page.evaluate(() => window.samples ?? []);
