// Manifests by tag or digest (OCI distribution specification 1.1, "Pulling manifests", "Pushing Manifests").
import { IntegrityError, MetadataError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { HttpAnswer } from '../http/answer.js';
import { digestOf, isDigest } from './digest.js';
import { MANIFEST_TYPES } from './media-types.js';
import { type RegistryClient, requireReference } from './registry-client.js';
import type { Descriptor, NewManifest, StoredManifest } from './repository.js';

/** Registries take at least 4 MiB of a manifest; hardly any has as much. */
export const LARGEST_MANIFEST = 4 << 20;
const ACCEPT = { accept: MANIFEST_TYPES.join(', ') };
/** Gone, or of a type that nobody here reads. */
const NOT_THERE = [404, 406];

export class ManifestStore {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  async get(reference: string, { signal }: WithSignal = {}): Promise<StoredManifest | undefined> {
    const target = targetOf(reference);
    const { answer, bytes } = await this.#client.read(
      { method: 'GET', target, headers: ACCEPT, signal },
      { purpose: 'read', reference, limit: LARGEST_MANIFEST, expected: [200, ...NOT_THERE] },
    );
    if (bytes === undefined) return undefined;
    const location = this.#client.location(reference);
    const digest = digestOf(bytes);
    const expected = isDigest(reference) ? reference : saidDigest(answer);
    if (expected !== undefined && expected !== digest)
      throw wrongDigest(location, { expected, actual: digest });
    return { bytes, digest, mediaType: typeOf(answer, bytes), location };
  }

  async resolve(
    reference: string,
    options: WithSignal = {},
  ): Promise<Pick<Descriptor, 'digest'> | undefined> {
    const { signal } = options;
    const answer = await this.#client.send({
      method: 'HEAD',
      target: targetOf(reference),
      headers: ACCEPT,
      signal,
    });
    answer.discard();
    if (NOT_THERE.includes(answer.status)) return undefined;
    const digest = answer.status === 200 ? saidDigest(answer) : undefined;
    return digest === undefined ? this.get(reference, options) : { digest };
  }

  /** Writes a manifest; says which subject the registry lists it with. Errors as `RepositoryManifests.put`. */
  async put(
    reference: string,
    { bytes, mediaType }: NewManifest,
    { signal }: WithSignal = {},
  ): Promise<{ readonly digest: string; readonly subject: string | undefined }> {
    const answer = await this.#client.demand(
      {
        method: 'PUT',
        target: targetOf(reference),
        headers: { 'content-type': mediaType },
        body: bytes,
        signal,
      },
      { purpose: 'write', reference, expected: [201, 200, 202] },
    );
    answer.discard();
    const digest = digestOf(bytes);
    const actual = saidDigest(answer) ?? digest;
    if (actual !== digest) throw wrongDigest(this.#client.location(reference), { expected: digest, actual });
    return { digest, subject: answer.header('oci-subject') };
  }

  async remove(reference: string, { signal }: WithSignal = {}): Promise<void> {
    const answer = await this.#client.demand(
      { method: 'DELETE', target: targetOf(reference), signal },
      { purpose: 'remove', reference, expected: [200, 202, 204, 404] },
    );
    answer.discard();
  }
}

function targetOf(reference: string): string {
  return `manifests/${requireReference(reference)}`;
}

/** What the registry says that it sends. */
function saidDigest(answer: HttpAnswer): string | undefined {
  const digest = answer.header('docker-content-digest');
  return digest !== undefined && isDigest(digest) ? digest : undefined;
}

/** The manifest itself says it, too, and is what is signed. */
function typeOf(answer: HttpAnswer, bytes: Uint8Array): string {
  const said = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (MANIFEST_TYPES.includes(said)) return said;
  try {
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { mediaType?: unknown };
    if (typeof mediaType === 'string') return mediaType;
  } catch {
    // whoever parses it tells
  }
  return said;
}

function wrongDigest(location: string, digests: { expected: string; actual: string }): IntegrityError {
  const { expected, actual } = digests;
  return new IntegrityError(
    'checksum-mismatch',
    `Cannot use the manifest "${location}": its digest is ${actual}, not ${expected}`,
    { hint: 'It was damaged on the way: try again', retryable: true, data: { location, expected, actual } },
  );
}

/** The error of a manifest that is not what it must be. */
export function invalidManifest(location: string, problem: string): MetadataError {
  return new MetadataError('metadata-invalid', `Cannot use the manifest "${location}": ${problem}`, {
    data: { location },
  });
}
