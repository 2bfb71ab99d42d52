// Builds the notice board; tells it which version and commit it was built from.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import uni from '@dcloudio/vite-plugin-uni';
import { defineConfig } from 'vite';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

function revision() {
  try {
    return execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // A build machine may have neither git nor the history.
    return '';
  }
}

export default defineConfig({
  // The uni plugin is CommonJS: its function sits one level deeper when imported from an ES module.
  plugins: [(uni.default ?? uni)()],
  define: {
    __VERSION__: JSON.stringify(version),
    __REVISION__: JSON.stringify(revision()),
  },
});
