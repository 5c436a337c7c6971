// The blobs of a mirror of layout 3: content that is named by its digest. What is there is never written again.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import { IntegrityError, MetadataError, MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ByteRange, ObjectStore, OpenedObject } from '../../transport/object-store.js';
import { isNotFound, readAll } from '../../transport/read-object.js';
import { blobPath } from './paths.js';

export interface ReadBlobOptions extends WithSignal {
  /** Largest content in bytes, compressed and not. */
  readonly limit: number;
}

interface OpenBlobOptions extends WithSignal {
  /** Where to begin. */
  readonly range?: Pick<ByteRange, 'start'> | undefined;
}

export class Blobs {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  location({ sha256 }: Pick<BlobRecord, 'sha256'>): string {
    return this.#store.location(blobPath(sha256));
  }

  /**
   * Opens a blob as it is stored; whoever reads it checks the digest.
   * @param manifest - what names the blob, for messages.
   * @throws MirrorError `blob-missing`, IntegrityError `size-mismatch`, and what the store brings
   */
  async open(
    record: BlobRecord,
    manifest: string,
    { range, signal }: OpenBlobOptions = {},
  ): Promise<OpenedObject> {
    const { sha256 } = record;
    const opened = await this.#store
      .open(blobPath(sha256), { range, sha256, signal })
      .catch((error: unknown) => Promise.reject(isNotFound(error) ? this.#missing(record, manifest) : error));
    const wanted = record.size - (range?.start ?? 0);
    if (opened.size === undefined || opened.size === wanted)
      return { ...opened, size: wanted, total: record.size };
    await opened.body.cancel();
    throw wrongSize(opened.location, record, opened.total ?? opened.size);
  }

  /**
   * Reads a blob whole, verifies it, and decompresses it.
   * @throws MirrorError `blob-missing`; IntegrityError `size-mismatch`, `checksum-mismatch`, `gzip-…`; MetadataError `metadata-too-large`
   */
  async read(record: BlobRecord, manifest: string, options: ReadBlobOptions): Promise<Uint8Array> {
    const { limit, signal } = options;
    const { sha256 } = record;
    const location = this.location(record);
    if (record.size > limit) throw tooLarge(location, limit, record.size);
    const stored = await readAll(this.#store, blobPath(sha256), { limit, sha256, signal }).catch(
      (error: unknown) => Promise.reject(isNotFound(error) ? this.#missing(record, manifest) : error),
    );
    if (stored.length !== record.size) throw wrongSize(location, record, stored.length);
    requireDigest(stored, record.sha256, location);
    return record.compression === 'gzip' ? gunzip(stored, { location, limit }) : stored;
  }

  /** Whether a blob is there, with the size that it must have. */
  async has(
    { sha256, size }: Pick<BlobRecord, 'sha256' | 'size'>,
    options: WithSignal = {},
  ): Promise<boolean> {
    const facts = await this.#store.stat(blobPath(sha256), options);
    return facts !== undefined && (facts.size === undefined || facts.size === size);
  }

  #missing(record: BlobRecord, manifest: string): MirrorError {
    const location = this.location(record);
    return new MirrorError(
      'blob-missing',
      `Cannot read the ${record.kind} that "${manifest}" names: "${location}" is not there`,
      {
        hint: 'The mirror is not complete: push the package again, or update its index',
        data: { location, manifest, kind: record.kind, sha256: record.sha256 },
      },
    );
  }
}

function requireDigest(bytes: Uint8Array, expected: string, location: string): void {
  const actual = sha256Of(bytes);
  if (actual === expected) return;
  throw new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, not ${expected}`,
    {
      hint: 'The file is damaged or was replaced: push it again',
      data: { location, expected, actual },
    },
  );
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function wrongSize(location: string, { size, kind }: BlobRecord, actual: number): IntegrityError {
  return new IntegrityError(
    'size-mismatch',
    `Cannot use "${location}": it has ${actual} bytes, its manifest says ${size}`,
    {
      hint: 'The file is damaged or was replaced: push it again',
      data: { location, kind, expected: size, actual },
    },
  );
}

function tooLarge(location: string, limit: number, size: number): MetadataError {
  return new MetadataError(
    'metadata-too-large',
    `Cannot read "${location}": it is larger than ${limit} bytes`,
    {
      data: { location, limit, size },
    },
  );
}

function gunzip(bytes: Uint8Array, { location, limit }: { location: string; limit: number }): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(location, limit, bytes.length);
    throw new IntegrityError('gzip-truncated', `Cannot read "${location}": it is not whole gzip data`, {
      cause,
      data: { location },
    });
  }
}
