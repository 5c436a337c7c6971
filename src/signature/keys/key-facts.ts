// What a person must see of a key before trusting it: fingerprint, user ids, dates.

import type { Key } from 'openpgp';

export interface KeyFacts {
  /** Of the primary key, upper case. */
  readonly fingerprint: string;
  readonly userIds: readonly string[];
  readonly created: Date;
  /** Absent for a key that does not expire. */
  readonly expires: Date | undefined;
  readonly revoked: boolean;
  /** For example `rsa4096`, `ed25519`. */
  readonly algorithm: string;
}

export function fingerprintOf(key: Key): string {
  return key.getFingerprint().toUpperCase();
}

/** Describes a key; nothing in it is vouched for by anybody but the key itself. */
export async function describeKey(key: Key): Promise<KeyFacts> {
  const expires = await key.getExpirationTime().catch(() => null);
  return {
    fingerprint: fingerprintOf(key),
    userIds: key.getUserIDs().map(withoutControlCharacters),
    created: key.getCreationTime(),
    expires: expires instanceof Date ? expires : undefined,
    revoked: await key.isRevoked().catch(() => true),
    algorithm: algorithmOf(key),
  };
}

function algorithmOf(key: Key): string {
  const { algorithm, bits, curve } = key.getAlgorithmInfo();
  if (curve !== undefined) return curve.replace(/Legacy$/, '');
  return `${algorithm.replace(/(EncryptSign|Sign|Encrypt|Legacy)$/, '')}${bits ?? ''}`;
}

/** A user id comes from whoever made the key, and is shown on a terminal. */
export function withoutControlCharacters(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
