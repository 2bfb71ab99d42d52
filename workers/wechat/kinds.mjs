// The kinds of project that the vendor's tool takes, told apart by `compileType` in project.config.json. Knows names only: no files, no vendor API.

const KINDS = {
  miniprogram: { type: 'miniProgram', json: 'app.json', game: false, plugin: false },
  game: { type: 'miniGame', json: 'game.json', game: true, plugin: false },
  plugin: { type: 'miniProgramPlugin', json: 'app.json', game: false, plugin: true },
  gamePlugin: { type: 'miniGamePlugin', json: 'game.json', game: true, plugin: true },
};

/** → {name, type, json, game, plugin}. Older tools wrote other words, or none, for an ordinary mini-program. */
export function kindOf(compileType) {
  const name = Object.hasOwn(KINDS, compileType ?? '') ? compileType : 'miniprogram';
  return { name, ...KINDS[name] };
}

/** Where the tool puts the parts of a compiled project, whatever the repository called their folders. */
export const packageRoots = (kind) => (kind.plugin ? { root: 'miniprogram/', pluginRoot: 'plugin/' } : { root: '', pluginRoot: '' });

/** The only configuration a compiled package has: nothing in it compiles anything. */
export function packageConfig(kind) {
  const { root, pluginRoot } = packageRoots(kind);
  return JSON.stringify({ compileType: kind.name, miniprogramRoot: root, ...(kind.plugin ? { pluginRoot } : {}) });
}
