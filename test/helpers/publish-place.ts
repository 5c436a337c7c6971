// A small build cache and a key that GnuPG knows, for tests of the commands around a build cache.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as openpgp from 'openpgp';
import { temporaryFolder } from '../store/temporary-folder.js';
import { type BuiltCache, buildCache } from './cache-builder.js';
import { type ProgramResult, runHere } from './program-run.js';

const SKETCHES = [{ name: 'base' }, { name: 'top', dependencies: ['base'] }] as const;

export interface PublishPlace {
  readonly folder: string;
  readonly cache: BuiltCache;
  /** A key that GnuPG knows, its file and its fingerprint. */
  readonly key: openpgp.PrivateKey;
  readonly keyFile: string;
  readonly fingerprint: string;
  run(...args: readonly string[]): Promise<ProgramResult>;
}

/** Makes the cache, signed or not, and the key. */
export async function publishPlace(test: TestContext, signed = false): Promise<PublishPlace> {
  const folder = temporaryFolder(test);
  const { privateKey: key } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'Somebody' }],
    date: new Date('2024-01-10'),
    format: 'object',
  });
  const cache = await buildCache(join(folder, 'mirror'), SKETCHES, signed ? { key } : {});
  const keyFile = join(folder, 'secret.asc');
  writeFileSync(keyFile, key.armor());
  const run: PublishPlace['run'] = (...args) =>
    runHere(args, { folder, environment: { REGRAFT_GPG: join(folder, 'no-gpg') } });
  return { folder, cache, key, keyFile, fingerprint: key.getFingerprint().toUpperCase(), run };
}

/** The exit code, and the code of the error that was told last. */
export function checkCode({ exitCode, err }: ProgramResult, wanted: number, code: string): void {
  assert.match(err, new RegExp(`code: ${code}\\n$`));
  assert.equal(exitCode, wanted);
}
