// The release page: its log, its header that changes when the release moves, its title.

import { applyFragment, live, tick, toast } from './app.js';
import { bar } from './log/bar.js';
import { findBar } from './log/find.js';
import { follow } from './log/follow.js';
import { letters, scrolling } from './log/keys.js';
import { marked } from './log/marked.js';
import { tail } from './log/tail.js';
import { told } from './log/told.js';
import { Viewer } from './log/viewer.js';
import { say } from './words.js';

const $ = (id) => document.getElementById(id);
const log = $('log');
// Browsers that cannot unpack a log keep the lines that came with the page.
if (log && 'DecompressionStream' in window) start();

function start() {
  const viewer = new Viewer(log, document.querySelector('.log-float'));
  const actions = bar(viewer, {
    times: $('log-times'), wrap: $('log-wrap'), fold: $('log-fold'), error: $('log-error'), help: $('log-help'), keys: $('log-keys'),
  });
  const following = follow(viewer, { pill: $('follow'), count: $('follow-count'), toggle: $('log-follow') });
  const finding = findBar(viewer, {
    form: $('log-search'), field: $('log-query'), hits: $('log-hits'), button: $('log-find'), previous: $('log-prev'), close: $('log-find-close'),
  });
  const marks = marked(viewer, { box: $('log-range'), text: $('log-range-text'), copy: $('log-copy'), link: $('log-link'), clear: $('log-unmark') });
  const stageName = (stage) => log.getAttribute(`data-label-${stage}`) || stage;
  const telling = told(viewer, { status: $('log-said'), state: $('log-state'), stageName });
  const title = heading();

  scrolling(viewer);
  letters({
    '/': finding.open, n: () => finding.step(1), N: () => finding.step(-1),
    g: () => viewer.toTop(), G: () => viewer.toEnd(), f: following.toggle,
    w: actions.wrap, t: actions.times, e: actions.error, '?': actions.help,
  });
  log.addEventListener('click', (event) => {
    const button = event.target.closest?.('.stage-fold');
    if (button) viewer.fold(viewer.rows.groupOf(-button.parentElement.key), button.getAttribute('aria-expanded') === 'true');
  });
  viewer.addEventListener('render', () => {
    const text = say('log.lines', { n: viewer.last });
    if ($('log-count').textContent !== text) $('log-count').textContent = text;
  });

  const firstError = () => {
    const found = document.querySelector('#release-head [data-first-error]');
    viewer.error = Number(found?.dataset.firstError || log.dataset.error) || 0;
  };
  firstError();
  if (!marks.fromAddress()) viewer.draw();

  if (!viewer.running) return telling.ended();
  const lines = tail(viewer.last, (block) => viewer.add(block), () => socket.reopen());
  const socket = live('log', () => `${log.dataset.url}/live?from=${lines.next}`, (frame) => {
    if (frame instanceof ArrayBuffer) {
      if (!lines.take(frame)) socket.reopen();
      return;
    }
    for (const fragment of frame.fragments || []) applyFragment(fragment);
    if (frame.fragments) {
      title.moved();
      firstError();
      viewer.refresh();
    }
    if (frame.end) {
      socket.close();
      lines.drained().then(() => {
        viewer.finish();
        title.moved();
        tick();
        telling.ended(title.text());
      });
    }
  }, telling.connection);
}

/** The title tells the state to those who look at another tab. */
function heading() {
  const badges = { succeeded: '✓', failed: '✕', canceled: '–', unconfirmed: '!' };
  const status = () => document.querySelector('#release-head [data-release-state]')?.dataset.releaseState;
  const text = () => document.querySelector('#release-head .verdict-state')?.textContent.trim() || '';
  const title = document.title;
  let was = status();
  if (badges[was]) document.title = `${badges[was]} ${title}`;
  return {
    text,
    moved() {
      const is = status();
      if (is === was) return;
      was = is;
      const rest = title.includes(' · ') ? title.slice(title.indexOf(' · ')) : ` · ${title}`;
      document.title = `${badges[is] ? `${badges[is]} ` : ''}${text()}${rest}`;
      if (badges[is]) toast(text(), is);
    },
  };
}
