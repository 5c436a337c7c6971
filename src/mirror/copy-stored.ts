// Files of a package on their way from one mirror to another, as they are.
import type { WithSignal } from '../core/with-signal.js';
import type { ObjectStore, ObjectWriter } from '../transport/object-store.js';
import { readAll, readBody } from '../transport/read-object.js';
import { copyVerified } from '../transport/read-verified.js';
import type { PackageCopy, StoredFile } from './build-cache.js';

export interface FileCopy extends WithSignal, Pick<PackageCopy, 'onBytes'> {
  readonly file: StoredFile;
  readonly writer: ObjectWriter;
  readonly path: string;
}

/** Copies a file, verified. Errors as `copyVerified`. */
export function copyStored({ file, ...copy }: FileCopy): Promise<number> {
  return copyVerified({ ...copy, sha256: file.sha256, open: () => file.open({ signal: copy.signal }) });
}

export interface MetadataCopy extends WithSignal {
  readonly metadata: StoredFile;
  /** Largest size in bytes that is accepted. */
  readonly limit: number;
  readonly store: ObjectStore;
  /** Where the copy lies, or will. */
  readonly path: string;
}

export interface ComparedMetadata {
  readonly bytes: Uint8Array;
  /** Whether the copy is there, byte by byte. */
  readonly isThere: boolean;
}

/** Reads metadata, and what lies at the place of its copy. Errors as `readAll`. */
export async function compareMetadata(copy: MetadataCopy): Promise<ComparedMetadata> {
  const { metadata, limit, store, path, signal } = copy;
  const bytes = await readBody(await metadata.open({ signal }), { limit, signal });
  const facts = await store.stat(path, { signal });
  if (facts === undefined || (facts.size ?? bytes.length) !== bytes.length) return { bytes, isThere: false };
  const there = await readAll(store, path, { limit, signal });
  return { bytes, isThere: Buffer.compare(there, bytes) === 0 };
}
