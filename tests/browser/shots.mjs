// SCREENSHOTS=DIR keeps pictures of the main pages for people to look at.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const dir = process.env.SCREENSHOTS;
if (dir) mkdirSync(dir, { recursive: true });

export async function shot(page, name) {
  if (!dir) return;
  // What sticks to the window would lie across a scrolled page.
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: join(dir, `${name}.png`), fullPage: true });
}
