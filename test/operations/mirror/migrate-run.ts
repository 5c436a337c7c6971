// Migrates build caches of the fixtures.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { migrateMirror } from '../../../src/operations/mirror/migrate-mirror.js';
import type { MigrateRequest } from '../../../src/operations/mirror/migration.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { makeSigner } from '../../../src/signature/make-signer.js';

export const FIXTURES = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
export const PUBLIC_KEY = join(FIXTURES, 'keys', 'fixture-key.pub');
const SECRET_KEY = join(FIXTURES, 'keys', 'fixture-key.secret.asc');

/** The fixture packs that are there, and their caches of the layouts 0 to 2. */
export const PACKS = [FIXTURES, join(FIXTURES, '..', 'fixtures-v2v3')].filter((pack) =>
  existsSync(join(pack, 'caches')),
);
export const OLD_CACHES = PACKS.flatMap((pack) =>
  readdirSync(join(pack, 'caches'))
    .filter((name) => !name.startsWith('layout3'))
    .map((name) => ({ name, folder: join(pack, 'caches', name) })),
);

export interface MigrateRun {
  readonly source: string;
  readonly destination: string;
  readonly temporaryFolder: string;
  readonly changes?: Partial<MigrateRequest>;
  readonly onProgress?: () => void;
}

async function requestOf({
  source,
  destination,
  temporaryFolder,
  changes,
}: MigrateRun): Promise<MigrateRequest> {
  return {
    source: await openMirror(source),
    destination: await openMirror(destination, { layout: 3 }),
    keyring: await Keyring.load({ files: [PUBLIC_KEY] }),
    allowUnsigned: false,
    deleteOld: false,
    engine: selectEngine('js', {}).engine,
    temporaryFolder,
    ...changes,
  };
}

export async function migrateSigned(run: MigrateRun) {
  const signer = await makeSigner({ key: SECRET_KEY });
  return migrateMirror({ ...(await requestOf(run)), signer, ...run.changes });
}

export async function migrateUnsigned(run: MigrateRun) {
  return migrateMirror(
    { ...(await requestOf(run)), allowUnsigned: true, ...run.changes },
    { ...(run.onProgress && { onProgress: run.onProgress }) },
  );
}
