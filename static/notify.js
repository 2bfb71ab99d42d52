// Notifications of the browser, for those who switched them on; browsers offer them on HTTPS and localhost only.

import { lang, say } from './words.js';

const CHOICE = 'notify';
// Android's browsers have the name but take notifications from service workers only.
const offered = window.isSecureContext && 'Notification' in window && !/Android/.test(navigator.userAgent);
const shown = new Set();

function wanted() {
  try { return localStorage.getItem(CHOICE) === 'on'; } catch { return false; }
}

function remember(yes) {
  try { localStorage.setItem(CHOICE, yes ? 'on' : 'off'); } catch { /* then it stays off */ }
}

/** Only while nobody looks at this tab. Several hidden tabs show it once: the browser folds what has the same tag. */
export function notify({ id, title, text, url }) {
  if (!offered || !document.hidden || !wanted() || Notification.permission !== 'granted') return;
  let note;
  try { note = new Notification(title, { body: text, tag: id, lang }); } catch { return; }
  shown.add(note);
  note.onclose = () => shown.delete(note);
  note.onclick = () => {
    note.close();
    window.focus();
    location.assign(url);
  };
}

const button = offered && document.querySelector('[data-notify]');

function draw() {
  const blocked = Notification.permission === 'denied';
  const on = wanted() && Notification.permission === 'granted';
  button.setAttribute('aria-checked', String(on));
  button.setAttribute('aria-disabled', String(blocked));
  const note = blocked ? say('notify_blocked') : on ? say('notify_on') : say('notify_off');
  button.querySelector('[data-notify-state]').textContent = note;
}

async function toggle() {
  if (Notification.permission === 'denied') return;
  const on = wanted() && Notification.permission === 'granted';
  remember(!on);
  if (!on && Notification.permission === 'default') await Notification.requestPermission();
  draw();
}

if (button) {
  button.querySelector('[data-notify-name]').textContent = say('notify');
  draw();
  button.hidden = false;
  button.addEventListener('click', toggle);
  // Chosen in another tab, or in the browser's own settings.
  window.addEventListener('storage', (event) => event.key === CHOICE && draw());
  navigator.permissions?.query({ name: 'notifications' }).then((status) => status.addEventListener('change', draw), () => {});
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    for (const note of shown) note.close();
  });
}
