// The frame around every page: drawer, menus, forms that open in place, QR codes that peek out of rows.

const nav = document.getElementById('nav');
const opener = document.querySelector('.menu-open');

function drawer(open) {
  nav.toggleAttribute('data-open', open);
  opener.setAttribute('aria-expanded', String(open));
  document.getElementById('main')?.toggleAttribute('inert', open);
  (open ? nav.querySelector('.nav-close') : opener).focus();
}

if (nav && opener) {
  if (location.hash === '#nav') history.replaceState(null, '', location.pathname + location.search);
  opener.setAttribute('role', 'button');
  opener.setAttribute('aria-expanded', 'false');
  matchMedia('(min-width: 641px)').addEventListener('change', (query) => {
    if (query.matches && nav.hasAttribute('data-open')) drawer(false);
  });
}

document.addEventListener('click', (event) => {
  const on = (selector) => event.target.closest?.(selector);
  if (nav && on('.menu-open')) { event.preventDefault(); drawer(true); }
  if (nav && on('.nav-close, .scrim')) { event.preventDefault(); drawer(false); }
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const act = on('a[href*="#"]');
  if (act && act.pathname === location.pathname) openAct(act.hash);
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || event.defaultPrevented) return;
  const menu = document.querySelector('details.menu[open]');
  if (nav?.hasAttribute('data-open')) drawer(false);
  else if (menu) {
    menu.open = false;
    menu.querySelector('summary').focus();
  } else return;
  event.preventDefault(); // one key closes one thing
});

// A QR code in a row shows itself under the mouse; a tap or Enter opens it as well.
for (const type of ['pointerover', 'pointerout']) {
  document.addEventListener(type, (event) => {
    const peek = event.pointerType === 'mouse' && event.target.closest?.('.qr-peek');
    if (peek && !peek.contains(event.relatedTarget)) peek.open = type === 'pointerover';
  });
}
document.addEventListener('click', (event) => {
  // The mouse opened it already: a click must not close it again.
  if (event.detail && event.target.closest?.('.qr-peek:hover > summary') && matchMedia('(hover: hover)').matches) event.preventDefault();
});

// `/programs/x#preview` opens that form.
function openAct(hash) {
  const act = hash.length > 1 && document.querySelector(`details.act[id="${CSS.escape(hash.slice(1))}"]`);
  if (!act) return;
  act.open = true;
  act.querySelector('.input')?.focus();
}
openAct(location.hash);
