// A program's pages: looks into a repository without leaving the form, and keeps the list of branches fresh.
// Without this script the same buttons load the page again.

import { toast } from './app.js';

const zh = document.documentElement.lang.startsWith('zh');
const say = zh
  ? { asking: '正在连接代码仓库…', failed: '没有连上服务器，请再试一次。', filled: '已填入编译设置，保存后生效。' }
  : { asking: 'Connecting to the repository…', failed: 'The server did not answer. Try again.', filled: 'Build settings filled in; save to keep them.' };

const box = document.getElementById('inspection');

async function inspect(button) {
  const note = document.createElement('p');
  note.className = 'soft';
  note.textContent = say.asking;
  box.replaceChildren(note);
  button.setAttribute('aria-busy', 'true');
  button.disabled = true;
  try {
    const reply = await fetch(button.formAction, {
      method: 'POST',
      headers: { 'X-Fragment': 'inspection' },
      body: new URLSearchParams(new FormData(button.form)),
    });
    if (reply.ok) {
      box.innerHTML = await reply.text(); // our own template, escaped there
    } else {
      complain(reply.status === 422 ? await reply.text() : say.failed);
    }
  } catch {
    complain(say.failed);
  } finally {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
}

function complain(text) {
  const note = document.createElement('p');
  note.className = 'field-error';
  note.setAttribute('role', 'alert');
  note.textContent = text;
  box.replaceChildren(note);
}

function fill(values) {
  for (const [name, value] of Object.entries(values)) {
    const field = document.getElementById(name);
    if (!field) continue;
    field.value = value;
    field.closest('details')?.toggleAttribute('open', Boolean(value) || field.closest('details').open);
  }
  toast(say.filled, 'succeeded');
  document.getElementById('build_command')?.focus();
}

document.addEventListener('click', (event) => {
  const look = event.target.closest?.('[data-inspect]');
  const use = event.target.closest?.('[data-fill]');
  if (!look && !use) return;
  event.preventDefault();
  if (look) inspect(look);
  else fill(JSON.parse(use.dataset.fill));
});

// What was fetched last may miss the branch somebody pushed a minute ago.
const list = document.querySelector('datalist[data-refs]');
let asked = false;
document.addEventListener('focusin', async (event) => {
  if (asked || !list || event.target.getAttribute?.('list') !== list.id) return;
  asked = true;
  try {
    const reply = await fetch(list.dataset.refs);
    if (!reply.ok) return;
    const { branches, tags } = await reply.json();
    const options = [...branches, ...tags.toReversed()].slice(0, 300).map((name) => {
      const option = document.createElement('option');
      option.value = name;
      return option;
    });
    if (options.length > 0) list.replaceChildren(...options);
  } catch { /* the known ones stay */ }
});
