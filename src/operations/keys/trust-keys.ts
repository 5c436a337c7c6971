// Keys that the user names: to trust them, or to publish them.
import { SignatureError } from '../../core/errors.js';
import { exportFromGpg } from '../../signature/gpg.js';
import { readKeyFile } from '../../signature/keys/key-file.js';
import { type PublicKey, readPublicKeys } from '../../signature/keys/public-key.js';
import type { TrustedKeys } from '../../signature/keys/trusted-keys.js';

/**
 * Trusts every key of some files; none of them where one file cannot be read.
 * @throws SignatureError `key-unreadable`
 */
export async function trustKeyFiles(
  files: readonly string[],
  trustedKeys: TrustedKeys,
): Promise<readonly PublicKey[]> {
  const keys: PublicKey[] = [];
  for (const file of files) keys.push(...(await readPublicKeys(await readKeyFile(file), file)));
  for (const key of keys) await trustedKeys.add(key);
  return keys;
}

/**
 * Reads the public keys that are to be published.
 * @param names key files, fingerprints of trusted keys, `gpg:ID`; all trusted keys when empty.
 * @throws SignatureError `key-unreadable`, `key-missing` when there is none, `gpg-failed`
 */
export async function readKeysToPublish(
  names: readonly string[],
  trustedKeys: TrustedKeys,
  signal?: AbortSignal,
): Promise<readonly PublicKey[]> {
  const trusted = await trustedKeys.list();
  const found = new Map<string, PublicKey>();
  for (const name of names) {
    for (const key of await readNamed(name, trusted, signal)) found.set(key.fingerprint, key);
  }
  const keys = names.length === 0 ? trusted : [...found.values()];
  if (keys.length > 0) return keys;
  throw new SignatureError('key-missing', 'Cannot publish keys: none is named, and none is trusted', {
    hint: 'Name a key file, or gpg:ID',
  });
}

async function readNamed(
  name: string,
  trusted: readonly PublicKey[],
  signal: AbortSignal | undefined,
): Promise<readonly PublicKey[]> {
  const known = trusted.filter(({ fingerprint }) => fingerprint === name.replaceAll(' ', '').toUpperCase());
  if (known.length > 0) return known;
  const gpgId = /^gpg:(.+)$/s.exec(name)?.[1];
  const bytes = gpgId === undefined ? await readKeyFile(name) : await exportFromGpg(gpgId, { signal });
  return readPublicKeys(bytes, name);
}
