// The shape of the source tree (STYLE.md §2): imports point down, the outside world is touched in few places, names say what is meant.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { describe, it } from 'node:test';

const FLOOR = ['core', 'host'];
const FORMATS = [...FLOOR, 'stream', 'tar', 'binfmt', 'spec', 'buildcache'];
const MIDDLE = [...FORMATS, 'transport', 'config'];

/** What each folder of `src` may import besides itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  host: ['core'],
  stream: FLOOR,
  tar: FLOOR,
  binfmt: FLOOR,
  spec: FLOOR,
  buildcache: [...FLOOR, 'spec', 'tar', 'binfmt'],
  config: FORMATS,
  transport: FORMATS,
  signature: MIDDLE,
  relocation: MIDDLE,
  mirror: MIDDLE,
  store: MIDDLE,
  operations: [...MIDDLE, 'signature', 'relocation', 'mirror', 'store'],
  cli: [...MIDDLE, 'signature', 'relocation', 'mirror', 'store', 'operations'],
};

/** Who may use which of Node's modules; what is not listed is open to everybody. */
const OUTSIDE_WORLD: Readonly<Record<string, readonly string[]>> = {
  'node:fs': ['host', 'config', 'transport', 'mirror', 'store', 'signature', 'cli', 'relocation/engines'],
  'node:fs/promises': ['host', 'config', 'transport', 'mirror', 'store', 'signature', 'cli'],
  'node:net': ['transport'],
  'node:tls': ['transport'],
  'node:http': ['transport'],
  'node:https': ['transport'],
  'node:dns': ['transport'],
  'node:child_process': ['host'],
  'node:worker_threads': ['operations', 'stream'],
  undici: ['transport'],
  aws4fetch: ['transport'],
  openpgp: ['signature'],
  commander: ['cli'],
  yaml: ['config'],
  'fs-native-extensions': ['store'],
};

/** Declarations that `napi build` makes of the addon: for its loader. */
const ADDON_TYPES = '../native/index.ts';
interface Import {
  readonly from: string;
  readonly specifier: string;
  /** For a file of our own: its path below `src`. */
  readonly target: string | undefined;
}

const SOURCE = 'src';
const files = (readdirSync(SOURCE, { recursive: true }) as string[])
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .sort();
const imports = files.flatMap((path) => importsOf(path));

function importsOf(path: string): Import[] {
  const text = codeOf(path);
  const specifiers = [
    ...text.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom\s+'([^']+)'/gm),
    ...text.matchAll(/^\s*import\s+'([^']+)'/gm),
    ...text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g),
    ...text.matchAll(/\b(?:require|createRequire\([^)]*\))\(\s*'([^']+)'\s*\)/g),
  ].map((match) => match[1] ?? '');
  return [...new Set(specifiers)].map((specifier) => ({
    from: path,
    specifier,
    target: specifier.startsWith('.')
      ? normalize(join(dirname(path), specifier))
          .replaceAll('\\', '/')
          .replace(/\.js$/, '.ts')
      : undefined,
  }));
}

/** The text without comments: examples in them import, too. */
function codeOf(path: string): string {
  return readFileSync(join(SOURCE, path), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

function layerOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : '';
}

describe('src', () => {
  it('has nothing but its layers and the index', () => {
    const layers = new Set(files.map(layerOf).filter((layer) => layer !== ''));
    assert.deepEqual([...layers].sort(), Object.keys(LAYERS).sort());
    assert.deepEqual(
      files.filter((path) => layerOf(path) === ''),
      ['index.ts'],
    );
  });

  it('imports only what is there, by its full name', () => {
    for (const { from, specifier, target } of imports) {
      if (target === undefined) continue;
      assert.match(specifier, /\.js$/, `${from} imports "${specifier}"`);
      const isThere = files.includes(target) || target.endsWith('wasm-binary.ts') || target === ADDON_TYPES;
      assert.ok(isThere, `${from} imports "${specifier}"`);
    }
  });

  it('imports downwards', () => {
    const upwards = imports.filter(({ from, target }) => {
      if (target === undefined || layerOf(from) === '') return false;
      if (target === ADDON_TYPES) return !from.startsWith('relocation/engines/');
      const [layer, other] = [layerOf(from), layerOf(target)];
      return layer !== other && !LAYERS[layer]?.includes(other);
    });
    assert.deepEqual(
      upwards.map(({ from, target }) => `${from} → ${target}`),
      [],
    );
  });

  it('has no circles between files, type-only imports included', () => {
    assert.deepEqual(circles(), []);
  });

  it('lists no more than 15 files in a folder', () => {
    const counts = new Map<string, number>();
    for (const path of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    const full = [...counts].filter(([, count]) => count > 15).map(([folder]) => folder);
    assert.deepEqual(full, []);
  });

  it('keeps the paths of a build cache to the one layout that has them', () => {
    const strangers = imports.filter(
      ({ from, target }) => target === 'mirror/classic/paths.ts' && !from.startsWith('mirror/classic/'),
    );
    assert.deepEqual(
      strangers.map(({ from }) => from),
      [],
    );
  });

  it('asks build caches in operations and commands, whatever their layout', () => {
    const isAbove = (path: string) => ['operations', 'cli'].includes(layerOf(path));
    const implementation = /^mirror\/(classic|manifest|oci)\//;
    const direct = imports.filter(({ from, target = '' }) => isAbove(from) && implementation.test(target));
    assert.deepEqual(
      direct.map(({ from, target }) => `${from} → ${target}`),
      [],
    );
    const naming = files.filter(
      (path) => isAbove(path) && readFileSync(join(SOURCE, path), 'utf8').includes('build_cache'),
    );
    assert.deepEqual(naming, []);
  });

  it('touches the outside world only where it may', () => {
    const misplaced = imports.filter(({ from, specifier }) => {
      const places = OUTSIDE_WORLD[specifier];
      return places !== undefined && !places.some((place) => from.startsWith(`${place}/`));
    });
    const places = misplaced.map(({ from, specifier }) => `${from} → ${specifier}`);
    assert.deepEqual(places, []);
    const builtins = imports.filter(({ specifier }) => builtinModules.includes(specifier));
    assert.deepEqual(builtins, [], 'modules of Node are named with "node:"');
  });

  it('imports no package that is not a dependency', () => {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const known = new Set(Object.keys({ ...dependencies, ...optionalDependencies }));
    const unknown = imports.filter(
      ({ specifier, target }) =>
        target === undefined && !specifier.startsWith('node:') && !known.has(packageOf(specifier)),
    );
    assert.deepEqual(
      unknown.map(({ from, specifier }) => `${from} → ${specifier}`),
      [],
    );
  });

  it('uses WebAssembly in the engines only', () => {
    const users = files.filter(
      (path) => /\bWebAssembly\b|wasm-binary/.test(codeOf(path)) && !path.startsWith('relocation/engines/'),
    );
    assert.deepEqual(users, []);
  });

  it('reads the environment and ends the process in few places only', () => {
    const users = files.filter((path) => /\bprocess\.(env|exit|argv|exitCode)\b/.test(codeOf(path)));
    const mayDo = /^(cli|config|host|transport|mirror|store|signature|relocation\/engines)\//;
    assert.deepEqual(
      users.filter((path) => !mayDo.test(path)),
      [],
    );
    const enders = files.filter((path) => /\bprocess\.exit\(/.test(codeOf(path)));
    assert.deepEqual(
      enders.filter((path) => !path.startsWith('cli/')),
      [],
    );
  });
});

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Each circle once, beginning with its first file in the order of names. */
function circles(): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, target } of imports)
    if (target !== undefined) edges.set(from, [...(edges.get(from) ?? []), target]);
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      const circle = trail.slice(trail.indexOf(path));
      const start = circle.indexOf([...circle].sort()[0] ?? '');
      found.add([...circle.slice(start), ...circle.slice(0, start)].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of files) visit(path, []);
  return [...found].sort();
}

describe('files of src', () => {
  it('are named after what is in them', () => {
    for (const path of files) {
      assert.match(basename(path), /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/, path);
      // `cli/commands/index.ts` is the command `regraft index`.
      if (path !== 'index.ts' && !path.startsWith('cli/commands/'))
        assert.doesNotMatch(basename(path, '.ts'), /^(utils?|helpers?|common|misc|shared|index)$/, path);
    }
  });

  it('begin with what they are for', () => {
    for (const path of files) {
      const text = readFileSync(join(SOURCE, path), 'utf8').replace(/^#!.*\n/, '');
      assert.match(text, /^\/\/ \S/, path);
    }
  });

  it('have no default exports, and none but the index passes exports on as a whole', () => {
    for (const path of files) {
      assert.doesNotMatch(codeOf(path), /^export default\b/m, path);
      if (path !== 'index.ts') assert.doesNotMatch(codeOf(path), /^export \* from/m, path);
    }
  });

  it('name no file or folder of a machine', () => {
    for (const path of files) assert.doesNotMatch(codeOf(path), /['"`]\/(work|home|root)\//, path);
  });
});

/** `push-kill.test.ts` tests `push.ts`, too; a command's file lies one folder deeper. */
function subjectsOf(path: string): string[] {
  const folder = dirname(path);
  const words = basename(path, '.test.ts').split('-');
  const names = words.map((_, i) => `${words.slice(0, i + 1).join('-')}.ts`);
  return names.flatMap((name) => [join(folder, name), join(folder, 'commands', name)]);
}

describe('test', () => {
  const tests = (readdirSync('test', { recursive: true }) as string[]).filter((path) =>
    path.endsWith('.test.ts'),
  );

  it('names the files that it tests', () => {
    const strangers = tests
      .filter((path) => path.includes('/') && layerOf(path) in LAYERS)
      .filter((path) => !subjectsOf(path).some((subject) => existsSync(join(SOURCE, subject))))
      .map((path) => relative('.', path));
    // Tests of a whole folder: hostile input, fixtures, and several files at work together.
    const known =
      /(malformed|mime-types|hostile-\w+|fixtures|golden|processes|mirrors|conformance|engines|public-api|streams|[a-z]+-golden)\.test\.ts$/;
    assert.deepEqual(
      strangers.filter((path) => !known.test(path)),
      [],
    );
  });

  it('waits for no clock, and listens on no fixed port', () => {
    for (const path of tests) {
      if (path === 'layers.test.ts') continue;
      const text = readFileSync(join('test', path), 'utf8');
      assert.doesNotMatch(text, /\bsetTimeout\(|timers\/promises|\.listen\([1-9]/, path);
    }
  });
});
