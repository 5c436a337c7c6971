// The keys that mirrors publish, and those that the user trusts (Spack `get_keys`). Data from a mirror is displayed, never trusted.
import { BuildcacheError, SignatureError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror, ShelvedKey } from '../../mirror/build-cache.js';
import type { KeyFacts } from '../../signature/keys/key-facts.js';
import { readNamedPublicKey } from '../../signature/keys/public-key.js';
import type { TrustedKeys } from '../../signature/keys/trusted-keys.js';

export interface FetchKeysRequest {
  readonly mirrors: readonly Mirror[];
  readonly trustedKeys: TrustedKeys;
  /** Full fingerprints of keys to trust if a mirror has them. */
  readonly trust?: readonly string[] | undefined;
}

export interface FetchedKey {
  /** The mirror that has the key. */
  readonly mirror: string;
  readonly location: string;
  /** In the spelling of the mirror. */
  readonly fingerprint: string;
  /** Absent for an unusable key. */
  readonly facts: KeyFacts | undefined;
  readonly error: BuildcacheError | undefined;
  /** `trusted-now`: trusted by this call, because the user named its fingerprint. */
  readonly trust: 'trusted' | 'trusted-now' | 'untrusted';
}

/**
 * Reads the keys of mirrors. An unusable key is reported with its error; a mirror without a key index has none.
 * @throws SignatureError `key-missing` for a key to trust that no mirror has; MirrorError and MetadataError of key indexes.
 */
export async function fetchKeys(
  { mirrors, trustedKeys, trust = [] }: FetchKeysRequest,
  { signal }: OperationOptions = {},
): Promise<readonly FetchedKey[]> {
  const wanted = new Set(trust.map((fingerprint) => fingerprint.toUpperCase()));
  const known = new Set((await trustedKeys.list()).map(({ fingerprint }) => fingerprint));
  const keys: FetchedKey[] = [];
  for (const { cache } of mirrors) {
    for (const key of await cache.keys.list({ signal })) {
      keys.push(await fetchKey({ mirror: cache.url, key, wanted, known, trustedKeys, signal }));
    }
  }
  const got = new Set(
    keys.filter(({ trust: state }) => state !== 'untrusted').map((key) => key.fingerprint.toUpperCase()),
  );
  const missing = [...wanted].filter((fingerprint) => !got.has(fingerprint));
  if (missing.length > 0) throw nowhere(missing, mirrors, keys);
  return keys;
}

interface KeyRequest {
  /** URL of the mirror. */
  readonly mirror: string;
  readonly key: ShelvedKey;
  readonly wanted: ReadonlySet<string>;
  /** Fingerprints of trusted keys. */
  readonly known: Set<string>;
  readonly trustedKeys: TrustedKeys;
  readonly signal: AbortSignal | undefined;
}

async function fetchKey(request: KeyRequest): Promise<FetchedKey> {
  const { mirror, known, signal } = request;
  const { fingerprint, location } = request.key;
  const base = { mirror, location, fingerprint };
  try {
    const bytes = await request.key.read({ signal });
    const key = await readNamedPublicKey(bytes, fingerprint, location);
    const wasKnown = known.has(key.fingerprint);
    const isWanted = request.wanted.has(key.fingerprint);
    if (isWanted) await request.trustedKeys.add(key);
    if (isWanted) known.add(key.fingerprint);
    const trust = wasKnown ? 'trusted' : isWanted ? 'trusted-now' : 'untrusted';
    return { ...base, facts: key.facts, error: undefined, trust };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof BuildcacheError)) throw error;
    return { ...base, facts: undefined, error, trust: 'untrusted' };
  }
}

function nowhere(
  missing: readonly string[],
  mirrors: readonly Mirror[],
  keys: readonly FetchedKey[],
): SignatureError {
  const failure = keys.find(
    ({ fingerprint, error }) => error !== undefined && missing.includes(fingerprint.toUpperCase()),
  );
  if (failure?.error instanceof SignatureError) return failure.error;
  return new SignatureError(
    'key-missing',
    `Cannot trust "${missing.join('", "')}": no mirror has a key with that fingerprint`,
    {
      hint: 'List the keys of the mirrors with: regraft keys fetch',
      data: { fingerprints: missing, mirrors: mirrors.map(({ cache }) => cache.url) },
    },
  );
}
