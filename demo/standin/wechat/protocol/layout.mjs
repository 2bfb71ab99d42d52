// Where the CLI puts the parts of each kind of package, and which files none of that kind can do without.

const LAYOUTS = {
  miniProgram: { root: '', main: 'app.json' },
  miniGame: { root: '', main: 'game.json' },
  miniProgramPlugin: { root: 'miniprogram/', main: 'app.json', plugin: 'plugin/' },
  miniGamePlugin: { root: 'miniprogram/', main: 'game.json', plugin: 'plugin/' },
};

/** → {root, main, plugin, game, missing, json}: `missing` names a file that is not there, `json` is app.json or game.json. */
export function layoutOf(type, files) {
  const { root, main, plugin = '' } = LAYOUTS[type] ?? LAYOUTS.miniProgram;
  const needed = [root + main, ...(plugin ? [`${plugin}plugin.json`] : [])];
  return { root, plugin, game: main === 'game.json', missing: needed.find((name) => !files.has(name)), json: parse(files.get(root + main)) };
}

function parse(content) {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    return null;
  }
}
