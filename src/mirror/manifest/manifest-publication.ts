// Publishes one package in layout 3: both blobs, and after them the manifest that names them, in one step. What is there already is not
// written again; an interrupted push leaves nothing but blobs.
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import { formatManifest } from '../../buildcache/manifest/write-manifest.js';
import { formatSpecBlob } from '../../buildcache/manifest/write-spec-blob.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectStore, ObjectWriter, PendingObject } from '../../transport/object-store.js';
import { writeObject } from '../../transport/write-object.js';
import type { Publication, PublishedContent } from '../build-cache.js';
import { Blobs } from './blobs.js';
import { specManifestPath } from './paths.js';
import { blobRecord, writeBlob } from './write-content.js';

export interface ManifestPublicationOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  readonly tarball: PendingObject;
  readonly spec: Spec;
  /** Writes `layout.json` unless it is there. */
  readonly ensureLayout: (options: WithSignal) => Promise<void>;
}

export class ManifestPublication implements Publication {
  readonly #options: ManifestPublicationOptions;

  constructor(options: ManifestPublicationOptions) {
    this.#options = options;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#options.tarball.write(bytes);
  }

  async finish(
    { specJson, sha256, size, sign }: PublishedContent,
    { signal }: WithSignal = {},
  ): Promise<void> {
    const { store, writer, tarball, spec, ensureLayout } = this.#options;
    const specBlob = formatSpecBlob(specJson.bytes, specJson.path);
    const archive: BlobRecord = { kind: 'tarball', size, compression: 'gzip', sha256 };
    const specfile = blobRecord({ kind: 'spec', compression: 'gzip' }, specBlob);
    const text = formatManifest([archive, specfile]);
    // A signature that fails leaves nothing at all.
    const manifest = sign === undefined ? text : await sign(text);
    await new Blobs(store).keep(tarball, archive, { signal });
    await writeBlob(specfile, specBlob, { store, writer, signal });
    await ensureLayout({ signal });
    signal?.throwIfAborted();
    await writeObject(writer, { path: specManifestPath(spec.root), bytes: manifest }, { signal });
  }

  async abandon(): Promise<void> {
    await this.#options.tarball.discard();
  }
}
