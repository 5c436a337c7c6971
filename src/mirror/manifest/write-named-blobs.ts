// Blobs and the manifest that names them, beside whoever prunes the mirror at the same time.
//
// Until its manifest is there, a blob is one that nothing names, and a prune may remove it: an old one that was found and not sent again,
// but also a new one, where the prune had listed an old one under that name. A prune looks for manifests after each removal, and puts back
// what they name. So this looks for the blobs after the manifest is written, and sends what is gone: both write first and look then, so
// the later one sees what the other did. To make an old blob young by sending it again would cost a transfer each time, and would leave
// the moment between the prune's look at its age and the removal.
//
// What was sent a moment ago is no exception. That it was not there before (`If-None-Match`) proves little: a second prune may have listed
// the blob before the first one removed it, and a removal may be sent again when its answer was lost; and some servers ignore conditions.
// But the looks may come later, and for many packages at once, where the caller sees to it (`unsettled-packages.ts`).
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { CommitCondition, ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { type NewObject, writeObject } from '../../transport/write-object.js';
import { Blobs } from './blobs.js';

/** A blob to be written. */
export interface NewBlob {
  readonly record: Pick<BlobRecord, 'sha256' | 'size'>;
  /** Whether it was missing when it was looked for just now; undefined where nobody looked. */
  readonly isMissing?: boolean | undefined;
  /** May be called more than once. Errors as `ObjectWriter`. */
  write(options: WithSignal): Promise<void>;
}

export interface NamedBlobs extends WithSignal {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly blobs: readonly NewBlob[];
  /** What names them. */
  readonly manifest: NewObject;
  /** For the manifest. */
  readonly condition?: CommitCondition | undefined;
  /** Writes `layout.json` unless it is there, between blobs and manifest. */
  readonly ensureLayout?: ((options: WithSignal) => Promise<void>) | undefined;
  /** Whether the manifest goes again when a blob that is gone cannot be sent again, so that nothing names it. */
  readonly isAllOrNothing?: boolean | undefined;
  /** Whether the caller looks for the blobs later. */
  readonly isSettledLater?: boolean | undefined;
}

/**
 * Up to this size, in bytes, a blob is sent over a network rather than looked for: only what a killed push left is there without a
 * manifest. Spack sends up to this size in one request, too, and never looks.
 */
const SENT_UNSEEN = 8 << 20;

function isSentUnseen({ record }: NewBlob, { isLocal = false }: ObjectStore): boolean {
  return !isLocal && record.size <= SENT_UNSEEN;
}

/**
 * Writes blobs, those that are there excepted, and what names them. Errors as `ObjectWriter`.
 * @throws MirrorError `mirror-changed` when the condition does not hold
 */
export async function writeNamedBlobs(named: NamedBlobs): Promise<void> {
  const { store, writer, blobs, manifest, condition, ensureLayout, isAllOrNothing, signal } = named;
  const has = ({ record }: NewBlob, options?: WithSignal) => new Blobs(store).has(record, options);
  for (const blob of blobs) {
    const isMissing = blob.isMissing ?? (isSentUnseen(blob, store) || !(await has(blob, { signal })));
    if (isMissing) await blob.write({ signal });
  }
  signal?.throwIfAborted();
  await ensureLayout?.({ signal });
  await writeObject(writer, manifest, { signal, condition });
  if (named.isSettledLater) return;
  try {
    // Not to be interrupted: what names them can be seen.
    for (const blob of blobs) if (!(await has(blob))) await blob.write({});
  } catch (error) {
    if (isAllOrNothing) await writer.remove(manifest.path).catch(() => {}); // the first error says more
    throw error;
  }
}
