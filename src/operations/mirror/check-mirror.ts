// Checks a build cache: every manifest or specfile, blob, signature, key and index entry against the others.
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { Decoders } from '../../stream/inflate/inflater.js';
import { NO_TRUST, trustKeyring } from '../keys/trust.js';
import { auditsOf } from './audits.js';
import { CacheCheck, type CheckedLayer } from './cache-check.js';
import { type Finding, Findings } from './findings.js';

export interface CheckMirrorRequest {
  readonly mirror: Mirror;
  readonly keyring: Keyring;
  /** False: signatures are not verified, whatever the mirror is configured to. */
  readonly checkSignature: boolean;
  /** Read all content, and compare its digests. */
  readonly deep: boolean;
  /** Decodes packages of layout 0, with `deep`. */
  readonly engine: Decoders;
  readonly temporaryFolder: string;
  /** Things to read at a time; 16 by default. */
  readonly jobs?: number | undefined;
}

export interface CheckMirrorReport {
  readonly mirror: string;
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  readonly deep: boolean;
  /** Of the layouts that have anything. */
  readonly layers: readonly CheckedLayer[];
  /** Errors first. */
  readonly findings: readonly Finding[];
  readonly milliseconds: number;
}

const DEFAULT_JOBS = 16;

/**
 * Checks everything that is there. What is wrong is in the report.
 * @throws MirrorError `mirror-protocol` for a mirror that cannot be listed, and what listing brings.
 */
export async function checkMirror(
  request: CheckMirrorRequest,
  { signal }: OperationOptions = {},
): Promise<CheckMirrorReport> {
  const begin = performance.now();
  const { mirror, keyring, checkSignature, deep } = request;
  const { cache } = mirror;
  const findings = new Findings();
  const layers: CheckedLayer[] = [];
  for (const { layer, audit } of auditsOf(cache)) {
    const trust = checkSignature && mirror.requiresSignature ? trustKeyring(keyring) : NO_TRUST;
    const check = new CacheCheck({
      ...request,
      jobs: request.jobs ?? DEFAULT_JOBS,
      layer,
      audit,
      trust,
      findings,
      signal,
    });
    const checked = await check.run();
    if (Object.values(checked).some((count) => typeof count === 'number' && count > 0)) layers.push(checked);
  }
  const found = findings.sorted();
  return {
    mirror: cache.url,
    ok: found.every(({ severity }) => severity === 'note'),
    deep,
    layers,
    findings: found,
    milliseconds: performance.now() - begin,
  };
}
