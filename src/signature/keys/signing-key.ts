// Finds the one secret key in a key file that signs, and unlocks it.

import type { PrivateKey } from 'openpgp';

import { SignatureError } from '../../core/errors.js';
import { loadOpenPgp, verificationConfig } from '../openpgp.js';
import { requireSigningKey } from '../sign.js';
import { describeKey, fingerprintOf, type KeyFacts } from './key-facts.js';
import { parseSecretKeys, readKeyFile } from './key-file.js';

export interface SigningKeyRequest {
  readonly file: string;
  /** Which key of the file: a fingerprint, or the end of one. */
  readonly keyId?: string | undefined;
  readonly passphrase?: string | undefined;
}

/**
 * Reads the secret key that signs.
 * @throws SignatureError `key-unreadable`, `key-missing`, `key-ambiguous` with `data.keys`, `key-unusable`, `key-locked`.
 */
export async function readSigningKey({ file, keyId, passphrase }: SigningKeyRequest): Promise<PrivateKey> {
  const keys = await parseSecretKeys(await readKeyFile(file), file);
  const key = await unlock(await chooseKey(keys, file, keyId), passphrase, file);
  await requireSigningKey(key);
  return key;
}

async function chooseKey(
  keys: readonly PrivateKey[],
  file: string,
  keyId: string | undefined,
): Promise<PrivateKey> {
  const wanted = keyId?.replaceAll(' ', '').toUpperCase();
  const fitting = wanted === undefined ? keys : keys.filter((key) => fingerprintOf(key).endsWith(wanted));
  const [only, ...more] = fitting;
  if (only !== undefined && more.length === 0) return only;
  const facts = await Promise.all(keys.map(describeKey));
  const hint = `Name one with --key "${file}#FINGERPRINT"`;
  if (only === undefined) throw noSuchKey(`"${file}" has no key "${keyId}"`, facts, hint);
  throw ambiguousKey(`"${file}" has several`, await Promise.all(fitting.map(describeKey)), hint);
}

export function noSuchKey(state: string, keys: readonly KeyFacts[], hint: string): SignatureError {
  return new SignatureError('key-missing', `Cannot sign: ${state}${keyLines(keys)}`, {
    hint,
    data: { keys: keys.map(({ fingerprint, userIds }) => ({ fingerprint, userIds })) },
  });
}

export function ambiguousKey(state: string, keys: readonly KeyFacts[], hint: string): SignatureError {
  const message = `Cannot choose a key to sign with: ${state}${keyLines(keys)}`;
  return new SignatureError('key-ambiguous', message, {
    hint,
    data: { keys: keys.map(({ fingerprint, userIds }) => ({ fingerprint, userIds })) },
  });
}

function keyLines(keys: readonly KeyFacts[]): string {
  return keys.length === 0
    ? ''
    : `:${keys.map(({ fingerprint, userIds }) => `\n  ${fingerprint} ${userIds[0] ?? ''}`.trimEnd()).join('')}`;
}

async function unlock(
  privateKey: PrivateKey,
  passphrase: string | undefined,
  file: string,
): Promise<PrivateKey> {
  if (privateKey.isDecrypted()) return privateKey;
  const fingerprint = fingerprintOf(privateKey);
  const data = { file, fingerprint };
  if (passphrase === undefined) {
    throw new SignatureError('key-locked', `Cannot sign with "${file}": the key has a passphrase`, {
      hint: 'Give it with --passphrase-file FILE or in REGRAFT_PASSPHRASE',
      data,
    });
  }
  const openpgp = await loadOpenPgp();
  try {
    return await openpgp.decryptKey({ privateKey, passphrase, config: verificationConfig(openpgp) });
  } catch (cause) {
    throw new SignatureError(
      'key-locked',
      `Cannot sign with "${file}": the passphrase does not open the key`,
      {
        cause,
        hint: 'Check --passphrase-file and REGRAFT_PASSPHRASE',
        data,
      },
    );
  }
}
