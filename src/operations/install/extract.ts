// Feeds a package's tarball to a core while its digest is taken. Nothing of it counts before the digest is compared.
import { createHash } from 'node:crypto';
import { IntegrityError } from '../../core/errors.js';
import { readChunks } from '../../stream/read-chunks.js';

/** A digest in hexadecimal that bytes must have, and what says so. */
export interface ExpectedDigest {
  readonly digest: string;
  readonly source: string;
}

/** What takes compressed bytes and unpacks them, here or in a worker. */
export interface ExtractingCore {
  /** Takes a chunk, which it must not keep; where it gives a promise, that resolves when there is room for more. */
  push(chunk: Uint8Array): void | Promise<void>;
  /** Whether it takes the SHA-256 digest of what is pushed. */
  readonly takesDigest?: boolean;
  /** Ends the input. */
  end(): UnpackedInput | Promise<UnpackedInput>;
}

export interface UnpackedInput {
  /** Why it could not be unpacked, if it could not. */
  readonly failure: unknown;
  /** In hexadecimal, from a core that takes it. */
  readonly digest?: string | undefined;
}

export interface ExtractRequest {
  /** Compressed bytes of the tarball. */
  readonly body: ReadableStream<Uint8Array>;
  /** URL or path of the tarball, for messages. */
  readonly location: string;
  /** SHA-256 digests of the compressed bytes. */
  readonly expected: readonly ExpectedDigest[];
  readonly core: ExtractingCore;
  readonly signal?: AbortSignal | undefined;
  /** Called with the compressed bytes read so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface ExtractResult {
  readonly compressedBytes: number;
  readonly digest: string;
}

/**
 * Reads a tarball to its end and writes its members.
 * A wrong digest is reported in place of what the wrong bytes led to.
 * @throws IntegrityError, ArchiveError, MirrorError, and the stage's file errors
 */
export async function extractTarball(request: ExtractRequest): Promise<ExtractResult> {
  const { body, core, signal, onBytes } = request;
  const hash = core.takesDigest ? undefined : createHash('sha256');
  let compressedBytes = 0;
  for await (const chunk of readChunks(body)) {
    signal?.throwIfAborted();
    hash?.update(chunk);
    compressedBytes += chunk.length;
    await core.push(chunk);
    onBytes?.(compressedBytes);
  }
  const { failure, digest = hash?.digest('hex') ?? '' } = await core.end();
  compareDigest(digest, request, failure);
  if (failure !== undefined) throw failure;
  return { compressedBytes, digest };
}

function compareDigest(actual: string, request: ExtractRequest, cause: unknown): void {
  for (const { digest, source } of request.expected) {
    if (digest === actual) continue;
    throw new IntegrityError(
      'checksum-mismatch',
      `Cannot use "${request.location}": its sha256 is ${actual}, ${source} says ${digest}`,
      {
        hint: 'The tarball is damaged or was replaced: push the package again, or use another mirror',
        data: { location: request.location, expected: digest, actual },
        cause,
      },
    );
  }
}
