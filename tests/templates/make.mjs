// Makes a project that none of us wrote, from packages of the npm registry, as the starter it belongs to would make it.
//
//   node make.mjs KIND DIR      DIR must not exist; committing it is up to the caller
//
// Prints what a person would type into the program's settings, as one line of JSON; an empty app_id means that any will do.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

// Older ones refuse the peer dependencies of Taro's template; the build image has this one.
const NPM = 'npm@11.21.2';

const LOCKFILES = ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml'];

const KINDS = {
  'uniapp-vue3': {
    settings: { build_command: 'npm run build:mp-weixin', output_dir: 'dist/build/mp-weixin', app_id: '' },
    make(dir, tmp) {
      cpSync(join(unpack('create-base@1.4.0', tmp), 'template-uniapp-ts'), dir, { recursive: true });
      renameSync(join(dir, '_gitignore'), join(dir, '.gitignore'));
    },
  },
  // As HBuilderX makes and builds them: no package.json, no compiler; the project brings neither, so the settings do.
  'uniapp-hbuilderx': {
    settings: {
      install_command:
        "[ -f package.json ] || echo '{}' > package.json; v=3.0.0-5010420260703001; npm install --no-package-lock --no-audit --no-fund " +
        '@dcloudio/vite-plugin-uni@$v @dcloudio/uni-app@$v @dcloudio/uni-mp-weixin@$v vue@3.4.21 vite@5.2.8 sass',
      build_command:
        `[ -f vite.config.js ] || echo 'module.exports = { plugins: [require("@dcloudio/vite-plugin-uni").default()] }' > vite.config.js; ` +
        'UNI_INPUT_DIR=$PWD npx uni build -p mp-weixin',
      output_dir: 'dist/build/mp-weixin',
      app_id: '',
    },
    make(dir, tmp) {
      const from = unpack('mp-html@2.5.2', tmp);
      for (const part of ['tools/demo/uni-app', 'dist/uni-app']) cpSync(join(from, part), dir, { recursive: true });
      // Its own build puts the text to show here; Vite takes no CommonJS in a project's own files.
      edit(join(from, 'test/content.js'), (text) => text.replace('module.exports =', 'export default'));
      cpSync(join(from, 'test/content.js'), join(dir, 'content.js'));
    },
  },
  taro: {
    settings: { build_command: 'npm run build:weapp', output_dir: 'dist', app_id: '' },
    make(dir, tmp) {
      npm(['install', '--prefix', tmp, '--ignore-scripts', '@tarojs/cli@4.1.11'], tmp);
      const answers = ['--template', 'default', '--framework', 'React', '--compiler', 'Webpack5', '--css', 'None', '--npm', 'Npm'];
      const taro = [join(tmp, 'node_modules/@tarojs/cli/bin/taro'), 'init', 'taro', ...answers, '--description', ''];
      const shown = run(process.execPath, [...taro, '--no-typescript', '--no-build-es5', '--no-autoInstall'], tmp);
      // It ends with status 0 either way.
      if (!existsSync(join(tmp, 'taro/package.json'))) throw new Error(`taro init made nothing:\n${shown}`);
      rmSync(join(tmp, 'taro/.git'), { recursive: true, force: true });
      cpSync(join(tmp, 'taro'), dir, { recursive: true });
    },
  },
  // Pages in the vendor's own languages, scripts in TypeScript: the tool's quick start, app.json below miniprogramRoot.
  native: {
    settings: { build_command: 'npm run tsc', output_dir: '.', app_id: 'wx15d2dd6e6f21bcb7' },
    make(dir, tmp) {
      cpSync(join(unpack('@fujia/wechat-template@0.1.0', tmp), 'template'), dir, { recursive: true });
      edit(join(dir, 'package.json'), (text) => text.replace('<%= packageName %>', 'native').replace('<%= version %>', '1.0.0'));
    },
  },
  // The same after the first steps of a component library's own guide: what it imports comes from npm.
  'native-npm': {
    settings: { build_command: 'npm run tsc', output_dir: '.', app_id: 'wx15d2dd6e6f21bcb7' },
    make(dir, tmp) {
      KINDS.native.make(dir, tmp);
      change(join(dir, 'package.json'), (json) => (json.dependencies['@vant/weapp'] = '^1.11.7'));
      change(join(dir, 'project.config.json'), ({ setting }) => {
        setting.packNpmManually = true;
        setting.packNpmRelationList = [{ packageJsonPath: './package.json', miniprogramNpmDistDir: './miniprogram/' }];
      });
      change(join(dir, 'miniprogram/app.json'), (json) => {
        delete json.style;
        json.usingComponents = { 'van-button': '@vant/weapp/button/index' };
      });
      edit(join(dir, 'miniprogram/pages/logs/logs.wxml'), (text) => `${text}<van-button type="primary">OK</van-button>\n`);
    },
  },
  // Everything at the root, cloud functions beside the pages, nothing to install or compile.
  'native-cloud': {
    settings: { build_command: '', output_dir: '.', app_id: '' },
    make: (dir, tmp) => cpSync(unpack('@wxmp/mtemplate@1.0.0', tmp), dir, { recursive: true }),
  },
  'weapp-vite': {
    settings: { build_command: 'npm run build', output_dir: '.', app_id: 'wx6ffee4673b257014' },
    make(dir, tmp) {
      npm(['install', '--prefix', tmp, '--ignore-scripts', '@weapp-core/init@1.1.15'], tmp);
      const create = `(await import('@weapp-core/init')).createProject(${JSON.stringify(dir)}, 'vant')`;
      run(process.execPath, ['--input-type=module', '--eval', create], tmp);
      writeFileSync(join(dir, '.gitignore'), 'node_modules\ndist\n');
    },
  },
};

/** Writes package-lock.json, where there is anything to install and no lockfile yet. */
function lock(dir) {
  const path = join(dir, 'package.json');
  if (!existsSync(path) || LOCKFILES.some((name) => existsSync(join(dir, name)))) return;
  const { dependencies, devDependencies } = JSON.parse(readFileSync(path, 'utf8'));
  if (Object.keys({ ...dependencies, ...devDependencies }).length === 0) return;
  for (;;) {
    try {
      npm(['exec', '--yes', NPM, '--', 'install', '--package-lock-only', '--ignore-scripts', '--prefer-offline'], dir);
      break;
    } catch (error) {
      relax(path, error);
    }
  }
  prune(join(dir, 'package-lock.json'));
}

/** A registry that is a subset of the public one may lack a tool's very version: then another one, and a linter's rules may be missing. */
function relax(path, error) {
  const { name } = error.missing ?? {};
  const before = JSON.parse(readFileSync(path, 'utf8')).devDependencies?.[name];
  if (before === undefined || before === '*') throw error;
  const now = /^\d/.test(before) ? `^${before}` : '*';
  change(path, (json) => (json.devDependencies[name] = now));
  console.error(`the registry has no ${name}@${before}: ${now} instead`);
}

/** `npm ci` misses optional packages that the registry did not have, such as those for other systems. */
function prune(path) {
  change(path, ({ packages }) => {
    const above = (at) => at.replace(/(^|\/)node_modules\/(?:@[^/]+\/)?[^/]+$/, '');
    const finds = (at, name) => Object.hasOwn(packages, `${at}${at && '/'}node_modules/${name}`) || (at !== '' && finds(above(at), name));
    for (const [at, { optionalDependencies = {} }] of Object.entries(packages)) {
      for (const name of Object.keys(optionalDependencies)) if (!finds(at, name)) delete optionalDependencies[name];
    }
  });
}

/** → the folder of a package's files. */
function unpack(spec, tmp) {
  const packed = join(tmp, 'packed');
  mkdirSync(packed);
  npm(['pack', '--pack-destination', packed, spec], tmp);
  run('tar', ['-xzf', join(packed, readdirSync(packed)[0]), '-C', packed], tmp);
  return join(packed, 'package');
}

function npm(args, cwd) {
  // A connection that went quiet is tried again soon: npm itself would wait for five minutes.
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error', '--fetch-timeout=30000', '--fetch-retries=4'];
  const mark = args.indexOf('--');
  try {
    return run('npm', mark < 0 ? [...args, ...quiet] : [...quiet, ...args, ...quiet], cwd);
  } catch (error) {
    const found = /No matching version found for (@?[^@\s]+)@(\S*?)\.?$|404 .*?'(@?[^@']+)@([^']*)'/m.exec(error.message);
    if (!found) throw error;
    const [name, range] = [found[1] ?? found[3], found[2] ?? found[4]];
    throw Object.assign(new Error(`the npm registry has no ${name}@${range}`), { missing: { name } });
  }
}

function run(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    if (error.code === 'ENOENT') throw new Error(`${command} is not installed`);
    throw new Error(`${command} ${args.join(' ')} failed:\n${error.stdout ?? ''}${error.stderr ?? error.message}`);
  }
}

const edit = (path, how) => writeFileSync(path, how(readFileSync(path, 'utf8')));

function change(path, how) {
  edit(path, (text) => {
    const json = JSON.parse(text);
    how(json);
    return `${JSON.stringify(json, null, 2)}\n`;
  });
}

const [name, given] = process.argv.slice(2);
const kind = Object.hasOwn(KINDS, name ?? '') ? KINDS[name] : undefined;
if (!kind || !given) {
  console.error(`usage: node make.mjs KIND DIR\nkinds: ${Object.keys(KINDS).join(', ')}`);
  process.exit(2);
}
const dir = resolve(given);
if (existsSync(dir)) {
  console.error(`${given} exists already`);
  process.exit(2);
}
const tmp = mkdtempSync(join(tmpdir(), 'sampan-template-'));
try {
  mkdirSync(dirname(dir), { recursive: true });
  kind.make(dir, tmp);
  lock(dir);
  console.log(JSON.stringify(kind.settings));
} catch (error) {
  console.error(`${name}: ${error.message}`);
  process.exitCode = 1;
  rmSync(dir, { recursive: true, force: true });
} finally {
  rmSync(tmp, { recursive: true, force: true });
}
