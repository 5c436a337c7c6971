// Publishes packages, indexes and keys in the layouts 1 and 2.
import { type ArchiveRules, LAYOUT_1_ARCHIVE, LAYOUT_2_ARCHIVE } from '../../buildcache/archive-rules.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import type {
  BeginPackageOptions,
  CopyPlan,
  HasOptions,
  IndexWriteOptions,
  KeyPublisher,
  PackageCopy,
  PackedIndex,
  Publication,
  PublishedLayout,
  Publisher,
  StoredFile,
} from '../build-cache.js';
import { ClassicCopies, hasContent } from './classic-copies.js';
import { ClassicKeyPublisher } from './classic-keys.js';
import { ClassicPublication } from './classic-publication.js';
import { specfilePath, tarballPath } from './paths.js';
import { writeClassicIndex } from './write-classic-index.js';

/** What can be published of these: layout 0 is only read. */
export type ClassicLayout = 1 | 2;

export interface ClassicPublisherOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly layout: ClassicLayout;
}

export class ClassicPublisher implements Publisher {
  readonly layout: ClassicLayout;
  readonly archive: ArchiveRules;
  readonly indexFormat = 4;
  readonly keys: KeyPublisher;
  readonly #store: ObjectStore;
  readonly #writer: ObjectWriter;
  readonly #copies: ClassicCopies;

  constructor({ store, writer, layout }: ClassicPublisherOptions) {
    this.archive = layout === 2 ? LAYOUT_2_ARCHIVE : LAYOUT_1_ARCHIVE;
    this.keys = new ClassicKeyPublisher(store, writer);
    this.#copies = new ClassicCopies(store, writer);
    this.#store = store;
    this.#writer = writer;
    this.layout = layout;
  }

  /** A tarball without a specfile does not count: a killed push left it behind. */
  async has(spec: Spec, { isSigned = true, signal }: HasOptions = {}): Promise<boolean> {
    const isThere = async (path: string) => (await this.#store.stat(path, { signal })) !== undefined;
    if (!(await isThere(tarballPath(spec.root, spec)))) return false;
    const likely = specfilePath(spec.root, { signed: isSigned, spec });
    const other = specfilePath(spec.root, { signed: !isSigned, spec });
    return (await isThere(likely)) || (await isThere(other));
  }

  /** The layouts 1 and 2 lie side by side. */
  takesSigned(layout: PublishedLayout): boolean {
    return layout < 3;
  }

  compare(files: readonly StoredFile[], options: WithSignal = {}): Promise<CopyPlan> {
    return this.#copies.compare(files, options);
  }

  copy(copy: PackageCopy, options: WithSignal = {}): Promise<CopyPlan> {
    return this.#copies.copy(copy, options);
  }

  async begin(spec: Spec, { tarball: known, signal }: BeginPackageOptions = {}): Promise<Publication> {
    const [store, writer] = [this.#store, this.#writer];
    const path = tarballPath(spec.root, spec);
    const hasTarball = known !== undefined && (await hasContent({ store, path, ...known, signal }));
    const tarball = hasTarball ? undefined : await writer.begin({ path, signal });
    return new ClassicPublication({ writer, tarball, spec, layout: this.layout });
  }

  async writeIndex(index: PackedIndex, { signal, mustBeNew }: IndexWriteOptions = {}): Promise<void> {
    const condition = mustBeNew ? 'absent' : undefined;
    await writeClassicIndex({ writer: this.#writer, index, condition, signal });
  }
}
