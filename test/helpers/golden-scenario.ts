// A golden scenario: what a real Spack did with a build cache, read from the fixtures' folder for it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DEFAULT_PROJECTION, SPACK_1_PROJECTION } from '../../src/spec/projection.js';

export interface GoldenScenario {
  readonly name: string;
  readonly folder: string;
  /** The build cache to install from, or the folder with the registry that has it. */
  readonly cache: string;
  readonly isRegistry: boolean;
  readonly keyring: string;
  /** The root that Spack was configured with: `padded_length` makes the store's root of it. */
  readonly root: string;
  /** Everything that the installation leaves in `/tmp` is below it. */
  readonly top: string;
  readonly paddedLength: number | undefined;
  readonly projection: string | undefined;
  readonly specs: readonly string[];
  readonly isSpackInstall: boolean;
  readonly isUnsigned: boolean;
  readonly exitStatus: number;
}

interface GoldenStore {
  readonly root: string;
  readonly paddedLength?: number;
  readonly projection?: string;
}

const STORES: Readonly<Record<string, GoldenStore>> = {
  a: { root: '/tmp/golden-store-a/opt' },
  b: { root: '/tmp/golden-b/opt' },
  c: { root: '/tmp/golden-store-c-longer-than-a/opt' },
  d: { root: '/tmp/gd/opt', projection: '{name}/{hash:7}' },
  e: { root: '/tmp/golden-store-e/opt' },
  f: { root: '/tmp/golden-f/opt', projection: SPACK_1_PROJECTION },
  p: { root: '/tmp/golden-p/opt', paddedLength: 256 },
};

/** Spack 1.1 does not ask for signatures in registries, and installs; regraft does, as everywhere, and refuses. */
export const NOT_ASKED_FOR = 'b-from-oci3-signature-required';

/** The scenarios of a fixture pack whose name fits. */
export function goldenScenarios(
  fixtures: string,
  fits: (name: string) => boolean = () => true,
): GoldenScenario[] {
  const folder = join(fixtures, 'golden');
  const names = readdirSync(folder).filter(
    (name) => existsSync(join(folder, name, 'command.txt')) && fits(name),
  );
  return names.sort().map((name) => readScenario(fixtures, name));
}

function readScenario(fixtures: string, name: string): GoldenScenario {
  const folder = join(fixtures, 'golden', name);
  const letter = name.slice(0, 1);
  const store = STORES[letter];
  if (store === undefined) throw new Error(`Unknown golden store in "${name}"`);
  const words = read(folder, 'command.txt').split(/\s+/);
  const isRegistry = name.includes('-from-oci');
  const isSpackInstall = words[1] === 'install';
  return {
    name,
    folder,
    cache: isRegistry ? join(fixtures, 'oci') : cacheOf(fixtures, name),
    isRegistry,
    keyring: join(fixtures, 'keys', 'fixture-key.pub'),
    top: dirname(store.root),
    root: store.root,
    paddedLength: store.paddedLength,
    // Spack 1.1 was told to use the older default.
    projection: store.projection ?? (/layout3|oci3/.test(name) ? DEFAULT_PROJECTION : undefined),
    specs: words.slice(isSpackInstall ? 2 : 3).filter((word) => !word.startsWith('--')),
    isSpackInstall,
    isUnsigned: words.includes('--unsigned') || words.includes('--no-check-signature'),
    exitStatus: name === NOT_ASKED_FOR ? 1 : Number(read(folder, 'exit-status.txt')),
  };
}

/** The longest name of a cache that the scenario's name begins with, after `<store>-from-`. */
function cacheOf(fixtures: string, name: string): string {
  const rest = name.slice('x-from-'.length);
  const caches = readdirSync(join(fixtures, 'caches')).filter(
    (cache) => rest === cache || rest.startsWith(`${cache}-`),
  );
  const longest = caches.sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) throw new Error(`No cache for the golden scenario "${name}"`);
  return join(fixtures, 'caches', longest);
}

/** What the scenario installed: package directory name → records by path. */
export function expectedManifests(
  scenario: GoldenScenario,
): Map<string, Map<string, Record<string, unknown>>> {
  const folder = join(scenario.folder, 'manifests');
  if (scenario.name === NOT_ASKED_FOR) return new Map();
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(names.map((name) => [name.replace(/\.jsonl$/, ''), readManifest(join(folder, name))]));
}

function readManifest(path: string): Map<string, Record<string, unknown>> {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return new Map(records.map((record) => [String(record.path ?? record.path_hex), record]));
}

/** The database, or undefined where the scenario left none. */
export function expectedDatabase(scenario: GoldenScenario): unknown {
  const path = join(scenario.folder, 'db-index.json');
  if (scenario.name === NOT_ASKED_FOR) return undefined;
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8').trim();
}
