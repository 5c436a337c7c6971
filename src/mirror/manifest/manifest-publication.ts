// Publishes one package in layout 3: both blobs, and after them the manifest that names them, in one step. What is there already is not
// written again; an interrupted push leaves nothing but blobs.
import type { BlobRecord } from '../../buildcache/manifest/manifest.js';
import { formatManifest } from '../../buildcache/manifest/write-manifest.js';
import { formatSpecBlob } from '../../buildcache/manifest/write-spec-blob.js';
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectStore, ObjectWriter, PendingObject } from '../../transport/object-store.js';
import type { Publication, PublishedContent } from '../build-cache.js';
import { blobPath, specManifestPath } from './paths.js';
import { blobOf } from './write-content.js';
import { type NewBlob, writeNamedBlobs } from './write-named-blobs.js';

export interface ManifestPublicationOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  /** Can be committed again; undefined where the blob is there. */
  readonly tarball: PendingObject | undefined;
  readonly spec: Spec;
  /** Writes `layout.json` unless it is there. */
  readonly ensureLayout: (options: WithSignal) => Promise<void>;
  /** In place of looks for its blobs, takes a package whose manifest was written. */
  readonly settleLater: ((blobs: readonly NewBlob[]) => Promise<void>) | undefined;
}

export class ManifestPublication implements Publication {
  readonly #options: ManifestPublicationOptions;

  constructor(options: ManifestPublicationOptions) {
    this.#options = options;
  }

  get hasTarball(): boolean {
    return this.#options.tarball === undefined;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#options.tarball?.write(bytes);
  }

  async finish(
    { specJson, sha256, size, sign }: PublishedContent,
    { signal }: WithSignal = {},
  ): Promise<void> {
    const { store, writer, spec, ensureLayout, settleLater } = this.#options;
    const specBlob = formatSpecBlob(specJson.bytes, specJson.path);
    const archive: BlobRecord = { kind: 'tarball', size, compression: 'gzip', sha256 };
    const blobs = [
      {
        record: archive,
        isMissing: this.hasTarball ? false : undefined,
        write: (how: WithSignal) => this.#writeTarball(archive, how),
      },
      blobOf({ kind: 'spec', compression: 'gzip', writer }, specBlob),
    ];
    const text = formatManifest(blobs.map(({ record }) => record));
    // A signature that fails leaves nothing at all.
    const bytes = sign === undefined ? text : await sign(text);
    const manifest = { path: specManifestPath(spec.root), bytes };
    const isSettledLater = settleLater !== undefined;
    const named = { store, writer, blobs, manifest, ensureLayout, isSettledLater };
    await writeNamedBlobs({ ...named, isAllOrNothing: true, signal });
    await settleLater?.(blobs);
  }

  async #writeTarball({ sha256 }: BlobRecord, { signal }: WithSignal): Promise<void> {
    signal?.throwIfAborted();
    const { tarball, store } = this.#options;
    if (tarball === undefined) throw gone(store.location(blobPath(sha256)));
    await tarball.commit(blobPath(sha256));
  }

  async abandon(): Promise<void> {
    await this.#options.tarball?.discard();
  }
}

function gone(location: string): MirrorError {
  return new MirrorError(
    'mirror-changed',
    `Cannot publish with "${location}": somebody removed it meanwhile`,
    {
      hint: 'Run the command again',
      retryable: true,
      data: { location },
    },
  );
}
