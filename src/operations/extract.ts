// Extracts a package's tarball into a stage while its digest is taken. Nothing of it counts before the digest is compared.
import { createHash, type Hash } from 'node:crypto';
import { IntegrityError } from '../core/errors.js';
import type { StagedTree } from '../store/staged-tree.js';
import { Decompressor } from '../stream/decompress.js';
import type { Inflater } from '../stream/inflater.js';
import { TarReader } from '../tar/tar-reader.js';

/** A digest in hexadecimal that bytes must have, and what says so. */
export interface ExpectedDigest {
  readonly digest: string;
  readonly source: string;
}

export interface ExtractRequest {
  /** Compressed bytes of the tarball. */
  readonly body: AsyncIterable<Uint8Array>;
  /** URL or path of the tarball, for messages. */
  readonly location: string;
  /** SHA-256 digests of the compressed bytes. */
  readonly expected: readonly ExpectedDigest[];
  readonly tree: StagedTree;
  readonly inflater: Inflater;
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
  const hash = createHash('sha256');
  const extraction = new Extraction(request.tree, request.inflater);
  let compressedBytes = 0;
  try {
    for await (const chunk of request.body) {
      request.signal?.throwIfAborted();
      hash.update(chunk);
      compressedBytes += chunk.length;
      extraction.push(chunk);
      request.onBytes?.(compressedBytes);
    }
    extraction.finish();
  } finally {
    request.tree.abandon();
  }
  const digest = compareDigest(hash, request, extraction.failure);
  if (extraction.failure !== undefined) throw extraction.failure;
  return { compressedBytes, digest };
}

/** Decompresses and unpacks; after a failure it only waits for the end, so that the digest can be completed. */
class Extraction {
  readonly #tree: StagedTree;
  readonly #tar = new TarReader();
  readonly #decompressor: Decompressor;
  failure: unknown;

  constructor(tree: StagedTree, inflater: Inflater) {
    this.#tree = tree;
    this.#decompressor = new Decompressor({ inflater, onOutput: (bytes) => this.#unpack(bytes) });
  }

  push(chunk: Uint8Array): void {
    this.#attempt(() => this.#decompressor.push(chunk));
  }

  finish(): void {
    this.#attempt(() => {
      this.#decompressor.finish();
      this.#tar.finish();
    });
  }

  #attempt(step: () => void): void {
    if (this.failure !== undefined) return;
    try {
      step();
    } catch (error) {
      this.failure = error;
    }
  }

  #unpack(bytes: Uint8Array): void {
    this.#tar.push(bytes);
    for (let event = this.#tar.next(); event !== undefined; event = this.#tar.next()) {
      if (event.type === 'data') this.#tree.write(event.bytes);
      else if (event.type === 'entry') this.#tree.beginEntry(event.entry);
      else this.#tree.endEntry();
    }
    if (this.#tar.ended) this.#decompressor.stop();
  }
}

function compareDigest(hash: Hash, request: ExtractRequest, cause: unknown): string {
  const actual = hash.digest('hex');
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
  return actual;
}
