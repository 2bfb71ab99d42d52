// Copying, with and without a clipboard: browsers keep it from pages on plain HTTP.

import { toast } from './toasts.js';
import { say } from './words.js';

/**
 * Answers whether `text` is in the clipboard. Where the browser refuses, a field with the text stands after `near`, selected,
 * and a message says which keys to press. The focus comes back to `near`.
 */
export async function copyText(text, near) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { /* denied: by hand */ }
  }
  const field = document.createElement(text.includes('\n') ? 'textarea' : 'input');
  field.className = 'input mono copy-field';
  field.readOnly = true;
  field.value = text;
  field.setAttribute('aria-label', say('copy_field'));
  if (near?.isConnected) near.after(field);
  else document.body.append(field);
  const back = () => {
    near?.focus?.({ preventScroll: true });
    field.remove();
  };
  field.focus({ preventScroll: true });
  field.select();
  let done = false;
  try { done = document.execCommand('copy'); } catch { /* by hand */ }
  if (done) {
    back();
    return true;
  }
  field.addEventListener('blur', () => field.remove(), { once: true });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    back();
  });
  field.scrollIntoView({ block: 'nearest' });
  toast(say('copy_by_hand'));
  return false;
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy]');
  if (button && (await copyText(button.dataset.copy, button))) toast(say('copied'));
});
