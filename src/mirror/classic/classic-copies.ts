// Packages of another mirror of the layouts 0 to 2, as they are: the tarball first, the specfile last.
import { BuildcacheError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { readVerified } from '../../transport/read-verified.js';
import { writeObject } from '../../transport/write-object.js';
import type { CopyPlan, PackageCopy, StoredFile } from '../build-cache.js';
import { type ComparedMetadata, compareMetadata, copyStored } from '../copy-stored.js';
import { LARGEST_SPECFILE, otherSpecfilePath, withRoot } from './paths.js';

interface Comparison extends CopyPlan {
  readonly metadata: ComparedMetadata;
  readonly hasTarball: boolean;
}

export class ClassicCopies {
  readonly #store: ObjectStore;
  readonly #writer: ObjectWriter;

  constructor(store: ObjectStore, writer: ObjectWriter) {
    this.#store = store;
    this.#writer = writer;
  }

  async compare(files: readonly StoredFile[], options: WithSignal = {}): Promise<CopyPlan> {
    const { isThere, moved, there } = await this.#compare(files, options);
    return { isThere, moved, there };
  }

  async copy({ files, onBytes }: PackageCopy, { signal }: WithSignal = {}): Promise<CopyPlan> {
    const [tarball, specfile] = pairOf(files);
    const { isThere, there, moved, metadata, hasTarball } = await this.#compare(files, { signal });
    if (isThere) return { isThere, there, moved };
    const writer = this.#writer;
    const sent = hasTarball
      ? 0
      : await copyStored({ file: tarball, writer, path: withRoot(tarball.path), onBytes, signal });
    const path = withRoot(specfile.path);
    await writeObject(writer, { path, bytes: metadata.bytes }, { signal });
    await writer.remove(otherSpecfilePath(path));
    return { isThere, there: hasTarball ? there : 0, moved: sent + metadata.bytes.length };
  }

  async #compare(files: readonly StoredFile[], { signal }: WithSignal): Promise<Comparison> {
    const [tarball, specfile] = pairOf(files);
    const store = this.#store;
    const path = withRoot(specfile.path);
    const metadata = await compareMetadata({
      metadata: specfile,
      limit: LARGEST_SPECFILE,
      store,
      path,
      signal,
    });
    const size = await tarball.measure({ signal });
    const isNamed = metadata.isThere; // it came last, and names the digest
    const content = { sha256: isNamed ? undefined : tarball.sha256, size };
    const hasTarball =
      (isNamed || content.sha256 !== undefined) &&
      (await hasContent({ store, path: withRoot(tarball.path), ...content, signal }));
    const sizes = [
      { bytes: size ?? 0, isThere: hasTarball },
      { bytes: metadata.bytes.length, isThere: metadata.isThere },
    ];
    const sum = (isThere: boolean) =>
      sizes.reduce((total, each) => total + (each.isThere === isThere ? each.bytes : 0), 0);
    const isThere = hasTarball && metadata.isThere;
    return { isThere, moved: sum(false), there: sum(true), metadata, hasTarball };
  }
}

export interface WantedContent extends WithSignal {
  readonly store: ObjectStore;
  readonly path: string;
  /** Undefined where the size alone must do. */
  readonly sha256: string | undefined;
  readonly size: number | undefined;
}

/** Whether an object is there, with those bytes. Errors as `ObjectStore.open`. */
export async function hasContent({ store, path, sha256, size, signal }: WantedContent): Promise<boolean> {
  const facts = await store.stat(path, { signal });
  if (facts === undefined) return false;
  if (size !== undefined && facts.size !== undefined && facts.size !== size) return false;
  if (sha256 === undefined) return true;
  try {
    await readVerified({ open: () => store.open(path, { signal }), sha256, signal });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BuildcacheError && error.code === 'checksum-mismatch') return false;
    throw error;
  }
}

function pairOf(files: readonly StoredFile[]): readonly [tarball: StoredFile, specfile: StoredFile] {
  const [tarball, specfile] = files;
  if (tarball === undefined || specfile === undefined)
    throw new TypeError('A package has a tarball and a specfile');
  return [tarball, specfile];
}
