// Installs from caches that a test built, the way the command line does, and looks at what is left in the store.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OperationOptions } from '../../src/core/progress.js';
import type { Mirror } from '../../src/mirror/build-cache.js';
import { IndexClient } from '../../src/mirror/index/index-client.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import type { ExtractPackage } from '../../src/operations/install/extract-package.js';
import { extractWithCore } from '../../src/operations/install/extract-with-core.js';
import { type InstallReport, installWith } from '../../src/operations/install/install.js';
import type { InstallRequest } from '../../src/operations/install/install-request.js';
import { type OpenStoreRequest, openStoreForWriting } from '../../src/operations/open-store.js';
import { resolveSpecs } from '../../src/operations/query/resolve-specs.js';
import { selectEngine } from '../../src/relocation/engines/select.js';
import { Keyring } from '../../src/signature/keys/keyring.js';
import { exponentialBackoff } from '../../src/transport/http/retry-policy.js';

type Given = 'specs' | 'store' | 'mirrors' | 'catalog' | 'keyring' | 'engine';

export interface RunRequest extends Partial<Omit<InstallRequest, Given>>, OpenStoreRequest {
  /** A folder of the test: the store is `opt` in it. */
  readonly folder: string;
  readonly queries: readonly string[];
  /** Paths and URLs, or open mirrors. */
  readonly mirrors: readonly (string | Mirror)[];
  readonly keyring?: Keyring;
  readonly engine?: 'js' | 'wasm';
  /** Reads the files that queries name. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  /** The way of extraction; by a core by default. */
  readonly extract?: ExtractPackage;
}

/** The root of a run's store. */
export function rootOf(folder: string): string {
  return join(folder, 'opt');
}

/** Without a keyring signatures are not checked. */
export async function runInstall(
  request: RunRequest,
  options: OperationOptions = {},
): Promise<InstallReport> {
  const { folder, queries, keyring, engine = 'js', extract = extractWithCore, readFile, ...rest } = request;
  const mirrors = await Promise.all(
    request.mirrors.map((each) => (typeof each === 'string' ? openMirror(each, { retry: FAST }) : each)),
  );
  try {
    const { catalog } = await new IndexClient({ cacheFolder: join(folder, 'cache'), mirrors }).load();
    const specs = await resolveSpecs({ queries, catalog, mirrors, readFile });
    const store = await openStoreForWriting({ environment: {}, root: rootOf(folder), ...request });
    return await installWith({
      request: {
        checkSignature: keyring !== undefined,
        jobs: 2,
        ...rest,
        specs,
        store,
        mirrors,
        catalog,
        keyring: keyring ?? (await Keyring.load({})),
        engine: selectEngine(engine, {}),
      },
      options,
      extract,
    });
  } finally {
    await Promise.all(mirrors.map(({ cache }) => cache.close?.()));
  }
}

/** Tries again at once. */
const FAST = exponentialBackoff({ attempts: 3, sleep: async () => {} });

/** `name: outcome` of every package, in order; failures with their code. */
export function outcomes(report: InstallReport): string[] {
  return report.packages.map(({ name, outcome, error }) =>
    error === undefined ? `${name}: ${outcome}` : `${name}: ${outcome} (${error.code})`,
  );
}

export interface DatabaseRecord {
  readonly path: string | null;
  readonly installed: boolean;
  readonly explicit: boolean;
  readonly ref_count: number;
  readonly spec: { readonly name: string };
}

/** The database of a store, by package name. */
export function recordsOf(folder: string): ReadonlyMap<string, DatabaseRecord> {
  const path = join(rootOf(folder), '.spack-db', 'index.json');
  if (!existsSync(path)) return new Map();
  const records = Object.values(JSON.parse(readFileSync(path, 'utf8')).database.installs) as DatabaseRecord[];
  return new Map(records.map((record) => [record.spec.name, record]));
}

/** Prefixes that are there, by the names of their last folders without the hash. */
export function installedIn(folder: string): string[] {
  return storePaths(folder)
    .filter((path) => path.endsWith('/.spack'))
    .map(
      (path) =>
        path
          .split('/')
          .at(-2)
          ?.replace(/-[a-z2-7]{32}$/, '') ?? '',
    )
    .sort();
}

/** Everything in a store but the prefixes of packages, the database, its locks, and sbang must be gone. */
export function checkNothingLeft(folder: string): void {
  const prefixes = [...recordsOf(folder).values()]
    .filter(({ installed }) => installed)
    .map(({ path }) => path ?? '');
  const known =
    /^(bin(\/sbang)?|\.spack-db(\/(lock|prefix_lock|prefix_failures|failures|index\.json|index_verifier|regraft(\/[a-z]+)?))?)$/;
  const left = storePaths(folder).filter((path) => {
    const full = join(rootOf(folder), path);
    return (
      !known.test(path) &&
      !prefixes.some((prefix) => `${full}/`.startsWith(`${prefix}/`) || prefix.startsWith(`${full}/`))
    );
  });
  assert.deepEqual(left, [], 'nothing is left behind');
}

function storePaths(folder: string): string[] {
  const root = rootOf(folder);
  return existsSync(root) ? (readdirSync(root, { recursive: true }) as string[]).sort() : [];
}
