// Copies mirrors of the fixtures, of any kind each, the way the command line does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OperationOptions } from '../../../../src/core/progress.js';
import type { Mirror } from '../../../../src/mirror/build-cache.js';
import { IndexClient } from '../../../../src/mirror/index/index-client.js';
import { type OpenMirrorOptions, openMirror, openMirrorIn } from '../../../../src/mirror/open-mirror.js';
import { checkMirror } from '../../../../src/operations/mirror/check-mirror.js';
import { type SyncReport, syncMirror } from '../../../../src/operations/mirror/sync/sync-mirror.js';
import type { SyncRequest } from '../../../../src/operations/mirror/sync/synchronization.js';
import { selectEngine } from '../../../../src/relocation/engines/select.js';
import { Keyring } from '../../../../src/signature/keys/keyring.js';
import { makeSigner } from '../../../../src/signature/make-signer.js';
import type { ObjectStore } from '../../../../src/transport/object-store.js';
import { FIXTURES, PUBLIC_KEY } from '../migrate-run.js';

export const SECRET_KEY = join(FIXTURES, 'keys', 'fixture-key.secret.asc');

export interface SyncRun {
  readonly source: string;
  /** A reference, or an open store. */
  readonly destination: string | ObjectStore;
  /** A folder of the test. */
  readonly scratch: string;
  readonly queries?: readonly string[];
  /** How both are opened. */
  readonly place?: OpenMirrorOptions;
  readonly changes?: Partial<SyncRequest>;
  readonly options?: OperationOptions;
}

/** With the fixtures' key to verify and to sign with. */
export async function runSync(run: SyncRun): Promise<SyncReport> {
  const { source: from, destination: to, scratch, queries = [], place = {}, options } = run;
  const { layout, newLayout, ...connection } = place;
  const source = await openMirror(from, { ...connection, isOnlyRead: true });
  const opened: Mirror[] = [source];
  const open = async (how: OpenMirrorOptions): Promise<Mirror> => {
    const mirror = await (typeof to === 'string' ? openMirror(to, how) : openMirrorIn(to, how));
    if (typeof to === 'string') opened.push(mirror);
    return mirror;
  };
  try {
    const client = new IndexClient({
      cacheFolder: join(scratch, 'indexes'),
      mirrors: [source],
      refresh: true,
    });
    return await syncMirror(
      {
        source,
        catalog: (await client.load()).catalog,
        queries,
        readFile: async (path) => readFileSync(path),
        destination: await open({
          ...connection,
          ...(layout && { layout }),
          ...(newLayout && { newLayout }),
        }),
        openView: (view) => open({ ...connection, view, layout: 3 }),
        isLayoutForced: layout !== undefined,
        keyring: await Keyring.load({ files: [PUBLIC_KEY] }),
        checkSignature: true,
        signer: () => makeSigner({ key: SECRET_KEY }),
        allowUnsigned: false,
        engine: selectEngine('js', {}).engine,
        temporaryFolder: scratch,
        ...run.changes,
      },
      options,
    );
  } finally {
    for (const { cache } of opened) await cache.close?.();
  }
}

/** The codes of everything that a deep check finds. */
export async function findingsOf(
  reference: string,
  { scratch, place = {} }: Pick<SyncRun, 'scratch' | 'place'>,
): Promise<string[]> {
  const { findings } = await checkMirror({
    mirror: await openMirror(reference, { ...place, isOnlyRead: true }),
    keyring: await Keyring.load({ files: [PUBLIC_KEY] }),
    checkSignature: true,
    deep: true,
    engine: selectEngine('js', {}).engine,
    temporaryFolder: scratch,
  });
  return findings.map(({ code, location }) => `${code} ${location}`);
}
