// Runs a golden scenario with regraft and compares everything with what Spack left.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { IndexClient } from '../../src/mirror/index/index-client.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { extractThroughStreams } from '../../src/operations/install/extract-through-streams.js';
import { extractWithCore } from '../../src/operations/install/extract-with-core.js';
import { type InstallReport, installWith } from '../../src/operations/install/install.js';
import { openStoreForWriting } from '../../src/operations/open-store.js';
import { type EngineChoice, selectEngine } from '../../src/relocation/engines/select.js';
import { Keyring } from '../../src/signature/keys/keyring.js';
import { specFromRecords } from '../../src/spec/json/spec-json.js';
import { FakeRegistry } from './fake-registry.js';
import { expectedDatabase, expectedManifests, type GoldenScenario } from './golden-scenario.js';
import { treeManifest } from './tree-manifest.js';

/** The ways by which a package can go, with the same result. */
const WAYS = {
  core: { workers: 0 },
  streams: { workers: 0, extract: extractThroughStreams },
  'one worker': { workers: 1, thresholds: { start: 0, split: Number.POSITIVE_INFINITY } },
  'two workers each': { workers: 4, thresholds: { start: 0, split: 0 } },
} as const;

export type InstallWay = keyof typeof WAYS;

/** REGRAFT_GOLDEN_MIRRORS names a place, such as a bucket, that has the folders of the fixtures, to be installed from in their place. */
function placeOf(cache: string): string {
  const place = process.env.REGRAFT_GOLDEN_MIRRORS;
  return place === undefined ? cache : `${place}/${resolve(cache).split('/').slice(-3).join('/')}`;
}

/** Serves the registry of a scenario, if it has one. */
async function openGoldenMirror({ cache, isRegistry }: GoldenScenario) {
  if (!isRegistry) return { mirror: await openMirror(placeOf(cache)), close: async () => {} };
  const registry = await FakeRegistry.start();
  registry.loadImageLayout(join(cache, 'image-layout'), 'fixtures/cache');
  const mirror = await openMirror(registry.url('fixtures/cache'), { environment: {}, isOnlyRead: true });
  const close = async () => {
    await mirror.cache.close?.();
    await registry.close();
  };
  return { mirror, close };
}

/** Installs what the scenario asked for. */
export async function runScenario(
  scenario: GoldenScenario,
  engine: EngineChoice,
  way: InstallWay = 'core',
): Promise<InstallReport> {
  const cacheFolder = mkdtempSync(join(tmpdir(), 'regraft-golden-'));
  const { mirror, close } = await openGoldenMirror(scenario);
  try {
    const { catalog } = await new IndexClient({ cacheFolder, mirrors: [mirror] }).load();
    const specs = scenario.specs.map((name) => {
      const [entry] = [...catalog.entries(name)];
      assert.ok(entry, `${name} is in the index`);
      return specFromRecords(entry.hash, (hash) => catalog.node(hash));
    });
    const { root, paddedLength, projection } = scenario;
    const store = await openStoreForWriting({
      root,
      paddedLength,
      projection,
      spackPrefix: '/tmp/golden-spack',
      environment: {},
    });
    const { extract, ...workers } = { extract: extractWithCore, ...WAYS[way] };
    const request = {
      specs,
      store,
      mirrors: [mirror],
      catalog,
      keyring: await Keyring.load({ files: [scenario.keyring] }),
      engine: selectEngine(engine, {}),
      checkSignature: !scenario.isUnsigned,
      ...workers,
      failFast: !scenario.isSpackInstall,
      implicit: !scenario.isSpackInstall,
    };
    return await installWith({ request, options: {}, extract });
  } finally {
    await close();
    rmSync(cacheFolder, { recursive: true, force: true });
  }
}

export interface OtherRules {
  readonly paths: readonly string[];
  /** What a Spack with the other rules made of the same packages in the same store; without it only their names are compared. */
  readonly judge: GoldenScenario | undefined;
}

/** Where regraft may differ from a golden. */
export interface GoldenExceptions {
  /** Files whose bytes are patchelf's: only their size and digest may differ. */
  readonly rewritten: readonly string[];
  /** Packages that may install where the reference fails. */
  readonly mayInstall: readonly string[];
  /** Files that the reference left alone, or changed by other rules: another golden judges them. */
  readonly otherRules?: OtherRules;
}

const NO_EXCEPTIONS: GoldenExceptions = { rewritten: [], mayInstall: [] };

/** Compares the store with the golden: trees, database, and that nothing else was installed. */
export function compareWithGolden(
  scenario: GoldenScenario,
  report: InstallReport,
  exceptions: GoldenExceptions = NO_EXCEPTIONS,
): void {
  compareTrees(scenario, report, exceptions);
  compareDatabase(scenario, report.root, exceptions);
}

/** Compares the trees alone, and what was installed. */
export function compareTrees(
  scenario: GoldenScenario,
  report: InstallReport,
  exceptions: GoldenExceptions = NO_EXCEPTIONS,
): void {
  const packages = report.packages.filter((each) => !exceptions.mayInstall.includes(each.name));
  const failed = packages.some((each) => each.outcome === 'failed');
  // Where the reference fails for the sake of these packages alone, nothing else may fail.
  const mustFail = scenario.exitStatus !== 0 && exceptions.mayInstall.length === 0;
  assert.equal(failed, mustFail, `exit status ${scenario.exitStatus}`);
  const manifests = expectedManifests(scenario);
  const { otherRules } = exceptions;
  if (otherRules?.judge !== undefined)
    judgeByOthers(manifests, expectedManifests(otherRules.judge), otherRules);
  const installed = packages.filter((each) => each.outcome === 'installed');
  assert.deepEqual(
    installed.map((each) => `${each.name}-${each.version}-${each.hash}`).sort(),
    [...manifests.keys()].sort(),
    'the installed packages',
  );
  for (const each of installed)
    compareTree(each.prefix, manifests.get(`${each.name}-${each.version}-${each.hash}`), {
      ...exceptions,
      hasOwnTimes: scenario.isSpackInstall,
    });
  for (const each of packages) {
    if (each.outcome === 'failed' || each.outcome === 'skipped')
      assert.ok(!existsSync(each.prefix), `${each.prefix} is not there`);
  }
}

type ManifestRecord = Readonly<Record<string, unknown>>;

/** Puts the records of the other golden in the place of those that it judges. */
function judgeByOthers(
  manifests: ReadonlyMap<string, Map<string, ManifestRecord>>,
  others: ReadonlyMap<string, ReadonlyMap<string, ManifestRecord>>,
  { paths }: OtherRules,
): void {
  for (const [name, records] of manifests) {
    for (const path of paths.filter((each) => records.has(each))) {
      const record = others.get(name)?.get(path);
      assert.ok(record, `the other golden has "${path}" of ${name}`);
      records.set(path, record);
    }
  }
}

/** Compares a prefix with the records of a golden. */
export function compareTree(
  prefix: string,
  expected: ReadonlyMap<string, ManifestRecord> | undefined,
  { rewritten, otherRules, hasOwnTimes }: GoldenExceptions & { readonly hasOwnTimes: boolean },
): void {
  const actual = new Map(
    treeManifest(prefix).map((record) => [String(record.path ?? record.path_hex), record]),
  );
  const known = (path: string, record: object | undefined) =>
    record && otherRules?.judge === undefined && otherRules?.paths.includes(path)
      ? { ...record, size: 'any', sha256: 'any', mtime0: 'any' }
      : record && rewritten.includes(path)
        ? { ...record, size: 'any', sha256: 'any' }
        : record;
  const differences = [...new Set([...actual.keys(), ...(expected?.keys() ?? [])])]
    // `spack install` writes its own times there; `buildcache install` and regraft keep the file of the tarball.
    .filter((path) => !hasOwnTimes || path !== '.spack/install_times.json')
    .map((path) => ({
      path,
      actual: known(path, actual.get(path)),
      expected: known(path, expected?.get(path)),
    }))
    .filter((pair) => !isEqual(pair.actual, pair.expected));
  assert.deepEqual(differences, [], `the tree of ${prefix}`);
}

function isEqual(actual: unknown, expected: unknown): boolean {
  try {
    assert.deepEqual(actual, expected);
    return true;
  } catch {
    return false;
  }
}

function compareDatabase(scenario: GoldenScenario, root: string, { mayInstall }: GoldenExceptions): void {
  const expected = expectedDatabase(scenario);
  const path = join(root, '.spack-db', 'index.json');
  if (expected === undefined)
    assert.ok(!existsSync(path) || isEmptyDatabase(path), 'no record in the database');
  else
    assert.deepEqual(
      comparable(JSON.parse(readFileSync(path, 'utf8')), mayInstall),
      comparable(expected, mayInstall),
      'the database',
    );
}

function isEmptyDatabase(path: string): boolean {
  return Object.keys(JSON.parse(readFileSync(path, 'utf8')).database.installs).length === 0;
}

interface DatabaseRecord {
  readonly spec: { readonly name: string; readonly dependencies?: readonly { readonly hash: string }[] };
  readonly ref_count: number;
}

/** Times and `explicit` aside; and the packages that may or may not be there, with what their being there adds to others' counts. */
function comparable(database: unknown, mayInstall: readonly string[]): unknown {
  const { version, installs } = (
    database as { database: { version: string; installs: Record<string, DatabaseRecord> } }
  ).database;
  const isExpected = ({ spec }: DatabaseRecord) => !mayInstall.includes(spec.name);
  const guests = Object.values(installs).filter((record) => !isExpected(record));
  const users = (hash: string) =>
    guests.filter(({ spec }) => spec.dependencies?.some((dependency) => dependency.hash === hash)).length;
  const records = Object.entries(installs)
    .filter(([, record]) => isExpected(record))
    .map(([hash, record]) => [
      hash,
      { ...record, installation_time: 0, explicit: false, ref_count: record.ref_count - users(hash) },
    ]);
  return { version, installs: Object.fromEntries(records) };
}
