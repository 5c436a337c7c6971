// Installs the one package of a broken build cache, and tells how it was refused.
import { join } from 'node:path';
import { BuildcacheError, type ErrorCode } from '../../src/core/errors.js';
import { IndexClient } from '../../src/mirror/index/index-client.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { install } from '../../src/operations/install/install.js';
import { openStoreForWriting } from '../../src/operations/open-store.js';
import { resolveSpecs } from '../../src/operations/query/resolve-specs.js';
import { type EngineChoice, selectEngine } from '../../src/relocation/engines/select.js';
import { Keyring } from '../../src/signature/keys/keyring.js';

export interface NegativeCase {
  readonly cache: string;
  readonly keyring: string;
  /** A new folder of the test. */
  readonly folder: string;
  readonly engine: EngineChoice;
  /** `scriptleaf`, as the fixtures' makers asked, by default. */
  readonly query?: string;
}

export interface NegativeOutcome {
  readonly root: string;
  readonly error: BuildcacheError | undefined;
  /** Codes of what was wrong with indexes that the others could stand in for. */
  readonly warnings: readonly ErrorCode[];
}

/** Installs the one package. */
export async function installCase({
  cache,
  keyring,
  folder,
  engine,
  query = 'scriptleaf',
}: NegativeCase): Promise<NegativeOutcome> {
  const root = join(folder, 'opt');
  const mirror = await openMirror(cache);
  const mirrors = [mirror];
  const store = await openStoreForWriting({ root, environment: {} });
  const warnings: ErrorCode[] = [];
  try {
    const loaded = await new IndexClient({ cacheFolder: join(folder, 'cache'), mirrors }).load();
    const { catalog } = loaded;
    warnings.push(...loaded.warnings.map(({ code }) => code));
    const specs = await resolveSpecs({ queries: [query], catalog, mirrors });
    const report = await install({
      specs,
      store,
      mirrors,
      catalog,
      keyring: await Keyring.load({ files: [keyring] }),
      engine: selectEngine(engine, {}),
    });
    return { root, error: report.packages.find((each) => each.error !== undefined)?.error, warnings };
  } catch (error) {
    if (!(error instanceof BuildcacheError)) throw error;
    return { root, error, warnings };
  }
}
