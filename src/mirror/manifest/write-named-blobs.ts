// Blobs and the manifest that names them, beside whoever prunes the mirror at the same time.
//
// Until its manifest is there, a blob is one that nothing names, and a prune may remove it: an old one that was found and not sent again,
// but also a new one, where the prune had listed an old one under that name. A prune looks for manifests after each removal, and puts back
// what they name. So this looks for the blobs after the manifest is written, and sends what is gone: both write first and look then, so
// the later one sees what the other did. To make an old blob young by sending it again would cost a transfer each time, and would leave
// the moment between the prune's look at its age and the removal.
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore } from '../../transport/object-store.js';
import { Blobs } from './blobs.js';

/** A blob to be written. */
export interface NewBlob {
  readonly record: Pick<BlobRecord, 'sha256' | 'size'>;
  /** May be called more than once. Errors as `ObjectWriter`. */
  write(options: WithSignal): Promise<void>;
}

export interface NamedBlobs extends WithSignal {
  readonly store: ObjectStore;
  readonly blobs: readonly NewBlob[];
  /** Writes what names them. */
  readonly writeManifest: () => Promise<void>;
  /** Done when a blob that is gone cannot be sent again, so that nothing names it. */
  readonly removeManifest?: (() => Promise<void>) | undefined;
}

/** Writes blobs, those that are there excepted, and what names them. Errors as `ObjectWriter`. */
export async function writeNamedBlobs({ store, blobs, signal, ...manifest }: NamedBlobs): Promise<void> {
  await completeBlobs(store, blobs, { signal });
  signal?.throwIfAborted();
  await manifest.writeManifest();
  try {
    // Not to be interrupted: what names them can be seen.
    await completeBlobs(store, blobs, {});
  } catch (error) {
    await manifest.removeManifest?.().catch(() => {}); // the first error says more
    throw error;
  }
}

async function completeBlobs(
  store: ObjectStore,
  blobs: readonly NewBlob[],
  options: WithSignal,
): Promise<void> {
  for (const { record, write } of blobs)
    if (!(await new Blobs(store).has(record, options))) await write(options);
}
