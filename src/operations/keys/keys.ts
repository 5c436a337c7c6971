// The keys that mirrors publish, and those that the user trusts (Spack `get_keys`). What a mirror says is shown, never believed.
import { BuildcacheError, SignatureError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror, ShelvedKey } from '../../mirror/build-cache.js';
import type { KeyFacts } from '../../signature/keys/key-facts.js';
import { readNamedPublicKey } from '../../signature/keys/public-key.js';
import type { TrustedKeys } from '../../signature/keys/trusted-keys.js';

export interface FetchKeysRequest {
  readonly mirrors: readonly Mirror[];
  readonly trustedKeys: TrustedKeys;
  /** Whole fingerprints of keys to trust when a mirror has them. */
  readonly trust?: readonly string[] | undefined;
}

export interface FetchedKey {
  /** The mirror that has it. */
  readonly mirror: string;
  readonly location: string;
  /** As the mirror names it. */
  readonly fingerprint: string;
  /** Absent for a key that cannot be used. */
  readonly facts: KeyFacts | undefined;
  readonly error: BuildcacheError | undefined;
  /** `trusted-now`: because the user named its fingerprint. */
  readonly trust: 'trusted' | 'trusted-now' | 'untrusted';
}

/**
 * Reads the keys of mirrors. A key that cannot be used is in the report, with its error; a mirror without a key index has none.
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
  /** Its URL. */
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
    `Cannot trust "${missing.join('", "')}": no mirror has a key of that name`,
    {
      hint: 'List what the mirrors have with: regraft keys fetch',
      data: { fingerprints: missing, mirrors: mirrors.map(({ cache }) => cache.url) },
    },
  );
}
