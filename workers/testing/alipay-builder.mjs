// A stub in place of Alipay's closed builder: it compiles nothing and says so. It takes the arguments that minidev gives and leaves
// what minidev looks for: an output folder and a file of statistics. A project with stub-fails.txt does not "compile".

import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAME = "stub builder of Sampan's tests, not Alipay's";
const given = (name) => process.argv[process.argv.indexOf(name) + 1];

if (process.argv.includes('--version')) {
  console.log('0.100.12');
} else {
  console.log(NAME);
  const [input, output, statistics] = ['--input', '--output', '--stat-output-path'].map(given);
  if (existsSync(join(input, 'stub-fails.txt'))) {
    console.error(`${NAME}: pages/index/index.axml: a tag is not closed`);
    process.exit(1);
  }
  mkdirSync(output, { recursive: true });
  writeFileSync(join(output, 'index.js'), `// ${NAME}\n// ${readdirSync(input).join(' ')}\n`);
  cpSync(join(input, 'app.json'), join(output, 'appConfig.json'));
  writeFileSync(statistics, JSON.stringify({ meta: {} }));
}
process.exit(0);
