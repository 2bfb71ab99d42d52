// A release that this person asked for has ended: told on whatever page they are.

import { notify } from './notify.js';
import { card } from './toasts.js';

const STORE = 'notices';
const KEPT = 50;

/** False for what this tab told before: each connection begins with the latest notices. */
function first(key) {
  let told = [];
  try { told = JSON.parse(sessionStorage.getItem(STORE)) || []; } catch { /* none */ }
  if (told.includes(key)) return false;
  try { sessionStorage.setItem(STORE, JSON.stringify([...told, key].slice(-KEPT))); } catch { /* told again on the next page */ }
  return true;
}

export function tell(notice) {
  if (!first(`${notice.id} ${notice.state}`)) return;
  notify(notice);
  // The release's own page shows it all.
  if (new URL(notice.url, location.href).pathname === location.pathname) return;
  card(notice);
  count();
}

let unseen = 0;
const looking = () => !document.hidden && document.hasFocus();

function badge() {
  const title = document.title.replace(/^\(\d+\) /, '');
  document.title = unseen ? `(${unseen}) ${title}` : title;
}

function count() {
  if (looking()) return;
  unseen += 1;
  badge();
}

function seen() {
  if (!unseen || !looking()) return;
  unseen = 0;
  badge();
}

document.addEventListener('visibilitychange', seen);
window.addEventListener('focus', seen);
