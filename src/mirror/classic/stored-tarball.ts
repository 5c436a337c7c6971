// The tarball of a package in the layouts 1 and 2: one object, whose digest is in the specfile.
import { requireChecksum, type Specfile } from '../../buildcache/specfile/specfile.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ByteRange, ObjectStore, OpenedObject } from '../../transport/object-store.js';
import type { StoredFile, TarballReference } from '../build-cache.js';
import { withoutRoot } from './paths.js';

export interface StoredTarballOptions {
  readonly store: ObjectStore;
  readonly path: string;
  readonly specfile: Specfile;
}

export class StoredTarball implements TarballReference, StoredFile {
  readonly location: string;
  readonly path: string;
  readonly size = undefined;
  readonly isLocal: boolean | undefined;
  readonly #options: StoredTarballOptions;

  constructor(options: StoredTarballOptions) {
    this.location = options.store.location(options.path);
    this.path = withoutRoot(options.path);
    this.isLocal = options.store.isLocal;
    this.#options = options;
  }

  get sha256(): string {
    return requireChecksum(this.#options.specfile);
  }

  async measure(options: WithSignal = {}): Promise<number | undefined> {
    const { store, path } = this.#options;
    return (await store.stat(path, options))?.size;
  }

  open(options: WithSignal = {}): Promise<OpenedObject> {
    return this.#open(undefined, options);
  }

  openFrom(start: number, options: WithSignal = {}): Promise<OpenedObject> {
    return this.#open({ start }, options);
  }

  async #open(range: ByteRange | undefined, { signal }: WithSignal): Promise<OpenedObject> {
    const { store, path } = this.#options;
    return store.open(path, { range, sha256: this.sha256, signal });
  }
}
