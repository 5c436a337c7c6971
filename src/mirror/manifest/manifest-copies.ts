// Packages of another mirror of layout 3, as they are: the blobs that are not here, then the manifest that names them.
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import type { CopyPlan, PackageCopy, StoredFile } from '../build-cache.js';
import { type ComparedMetadata, compareMetadata, copyStored } from '../copy-stored.js';
import { Blobs } from './blobs.js';
import { LARGEST_MANIFEST } from './spec-manifests.js';
import { type NewBlob, writeNamedBlobs } from './write-named-blobs.js';

export interface ManifestCopiesOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  /** Writes `layout.json` unless it is there. */
  readonly ensureLayout: (options: WithSignal) => Promise<void>;
}

interface StoredBlob {
  readonly file: StoredFile;
  readonly record: NewBlob['record'];
}

interface ComparedBlob extends StoredBlob {
  readonly isMissing: boolean;
}

interface Comparison extends CopyPlan {
  readonly manifest: ComparedMetadata;
  readonly blobs: readonly ComparedBlob[];
}

export class ManifestCopies {
  readonly #options: ManifestCopiesOptions;

  constructor(options: ManifestCopiesOptions) {
    this.#options = options;
  }

  async compare(files: readonly StoredFile[], options: WithSignal = {}): Promise<CopyPlan> {
    const { isThere, moved, there } = await this.#compare(files, options);
    return { isThere, moved, there };
  }

  async copy({ files, onBytes }: PackageCopy, { signal }: WithSignal = {}): Promise<CopyPlan> {
    const { isThere, moved: missing, there, ...compared } = await this.#compare(files, { signal });
    if (isThere) return { isThere, moved: missing, there };
    const { writer } = this.#options;
    const { path } = manifestOf(files);
    const { bytes } = compared.manifest;
    let moved = bytes.length;
    const blobs = compared.blobs.map(({ file, ...blob }, i) => ({
      ...blob,
      write: async (how: WithSignal) => {
        const progress = i === 0 ? onBytes : undefined;
        moved += await copyStored({ file, writer, path: file.path, onBytes: progress, ...how });
      },
    }));
    const manifest = { path, bytes };
    await writeNamedBlobs({ ...this.#options, blobs, manifest, isAllOrNothing: true, signal });
    return { isThere, moved, there };
  }

  async #compare(files: readonly StoredFile[], { signal }: WithSignal): Promise<Comparison> {
    const { store } = this.#options;
    const metadata = manifestOf(files);
    const { path } = metadata;
    const manifest = await compareMetadata({ metadata, limit: LARGEST_MANIFEST, store, path, signal });
    const sizes = { moved: 0, there: 0 };
    sizes[manifest.isThere ? 'there' : 'moved'] += manifest.bytes.length;
    const blobs: ComparedBlob[] = [];
    for (const { file, record } of await blobsOf(files, { signal })) {
      const isMissing = !(await new Blobs(store).has(record, { signal }));
      sizes[isMissing ? 'moved' : 'there'] += record.size;
      blobs.push({ file, record, isMissing });
    }
    const isThere = manifest.isThere && !blobs.some(({ isMissing }) => isMissing);
    return { isThere, ...sizes, manifest, blobs };
  }
}

function manifestOf(files: readonly StoredFile[]): StoredFile {
  const manifest = files.at(-1);
  if (manifest === undefined) throw new TypeError('A package has a manifest');
  return manifest;
}

/** What is named by its digest. */
async function blobsOf(files: readonly StoredFile[], options: WithSignal): Promise<StoredBlob[]> {
  const blobs: StoredBlob[] = [];
  for (const file of files) {
    const { sha256 } = file;
    if (sha256 === undefined) continue;
    const size = (await file.measure(options)) ?? 0;
    blobs.push({ file, record: { sha256, size } });
  }
  return blobs;
}
