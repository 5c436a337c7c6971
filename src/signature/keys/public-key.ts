// Public keys as they are published and trusted: one key per file, named by its fingerprint.

import type { Key } from 'openpgp';

import { encodeUtf8 } from '../../core/bytes.js';
import { SignatureError } from '../../core/errors.js';
import { describeKey, fingerprintOf, type KeyFacts } from './key-facts.js';
import { parsePublicKeys, unreadableKey } from './key-file.js';

/** A public key as a mirror publishes it. */
export interface PublicKeyFile {
  /** Of the primary key, upper case. */
  readonly fingerprint: string;
  /** Without any secret part. */
  readonly armored: Uint8Array;
}

/** A public key with what a person must see before trusting it. */
export interface PublicKey extends PublicKeyFile {
  readonly facts: KeyFacts;
}

/**
 * The public keys in the bytes of a key file, copies of one key merged.
 * @throws SignatureError `key-unreadable`.
 */
export async function readPublicKeys(bytes: Uint8Array, source: string): Promise<readonly PublicKey[]> {
  const keys = new Map<string, Key>();
  for (const key of await parsePublicKeys(bytes, source)) await mergeKey(keys, key, source);
  return Promise.all([...keys.values()].map(publicKeyOf));
}

/**
 * The public key that a file must hold which is named by a fingerprint.
 * @throws SignatureError `key-unreadable`, `key-mismatch` when there is another key in it.
 */
export async function readNamedPublicKey(
  bytes: Uint8Array,
  fingerprint: string,
  source: string,
): Promise<PublicKey> {
  const keys = await readPublicKeys(bytes, source);
  const [only, ...more] = keys;
  if (only?.fingerprint === fingerprint.toUpperCase() && more.length === 0) return only;
  const actual = keys.map((key) => key.fingerprint);
  throw new SignatureError(
    'key-mismatch',
    `Cannot use "${source}": it holds the key "${actual.join('", "')}"`,
    {
      hint: 'A key file must hold the one key that it is named by: do not trust it',
      data: { source, expected: fingerprint.toUpperCase(), actual },
    },
  );
}

/** Adds a key; two copies of one count as one with what both say: a later expiry, a revocation. */
export async function mergeKey(keys: Map<string, Key>, key: Key, source: string): Promise<void> {
  const fingerprint = fingerprintOf(key);
  const known = keys.get(fingerprint);
  const merged = known?.update(key).catch((error: unknown) => {
    throw unreadableKey(source, error);
  });
  keys.set(fingerprint, (await merged) ?? key);
}

async function publicKeyOf(key: Key): Promise<PublicKey> {
  const armored = encodeUtf8(key.toPublic().armor());
  return { fingerprint: fingerprintOf(key), armored, facts: await describeKey(key) };
}
