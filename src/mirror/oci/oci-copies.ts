// Packages of another registry, as they are: the blobs that are not here, then what is signed, and the manifest with its tag last.
import { sha256Of } from '../../buildcache/image/image-manifest.js';
import { OCI_MANIFEST } from '../../buildcache/image/media-types.js';
import type { WithSignal } from '../../core/with-signal.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { JsonFact } from '../../spec/json/json-fact.js';
import { digestOf } from '../../transport/oci/digest.js';
import type { Repository } from '../../transport/oci/repository.js';
import { readBody } from '../../transport/read-object.js';
import { readVerified } from '../../transport/read-verified.js';
import type { CopyPlan, PackageCopy, StoredFile } from '../build-cache.js';
import { digestOfBlobPath, digestOfSignaturePath, tagOfImagePath } from './content/download-paths.js';
import { type BlobName, hasBlob } from './content/write-blob.js';

/** Manifests of registries have at most some megabytes. */
const LARGEST_MANIFEST = 16 << 20;

interface ComparedBlob extends BlobName {
  readonly file: StoredFile;
  readonly isMissing: boolean;
}

interface ComparedManifest {
  /** A tag, or the digest of a signature. */
  readonly reference: string;
  readonly bytes: Uint8Array;
  readonly isMissing: boolean;
}

interface Comparison extends CopyPlan {
  readonly blobs: readonly ComparedBlob[];
  readonly manifests: readonly ComparedManifest[];
}

export class OciCopies {
  readonly #repository: Repository;
  /** Digests of blobs that many packages name. */
  readonly #there = new Set<string>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async compare(files: readonly StoredFile[], options: WithSignal = {}): Promise<CopyPlan> {
    const { isThere, moved, there } = await this.#compare(files, options);
    return { isThere, moved, there };
  }

  async copy({ files, onBytes }: PackageCopy, { signal }: WithSignal = {}): Promise<CopyPlan> {
    const { isThere, moved, there, blobs, manifests } = await this.#compare(files, { signal });
    for (const [i, blob] of blobs.entries())
      if (blob.isMissing) await this.#copyBlob(blob, { onBytes: i === 0 ? onBytes : undefined, signal });
    signal?.throwIfAborted();
    for (const { reference, bytes, isMissing } of manifests)
      if (isMissing)
        await this.#repository.manifests.put(reference, { bytes, mediaType: typeOf(bytes) }, { signal });
    return { isThere, moved, there };
  }

  async #compare(files: readonly StoredFile[], options: WithSignal): Promise<Comparison> {
    const sizes = { moved: 0, there: 0 };
    const blobs: ComparedBlob[] = [];
    const manifests: ComparedManifest[] = [];
    for (const file of files) {
      const digest = digestOfBlobPath(file.path);
      if (digest === undefined) {
        const manifest = await this.#compareManifest(file, options);
        sizes[manifest.isMissing ? 'moved' : 'there'] += manifest.bytes.length;
        manifests.push(manifest);
        continue;
      }
      const size = (await file.measure(options)) ?? 0;
      const isMissing = !(await this.#hasBlob({ digest, size }, options));
      sizes[isMissing ? 'moved' : 'there'] += size;
      blobs.push({ file, digest, size, isMissing });
    }
    const isThere = ![...blobs, ...manifests].some(({ isMissing }) => isMissing);
    return { isThere, ...sizes, blobs, manifests };
  }

  async #compareManifest(file: StoredFile, { signal }: WithSignal): Promise<ComparedManifest> {
    const reference = tagOfImagePath(file.path) ?? digestOfSignaturePath(file.path);
    if (reference === undefined) throw new TypeError(`"${file.path}" is no file of a package of a registry`);
    const bytes = await readBody(await file.open({ signal }), { limit: LARGEST_MANIFEST, signal });
    const there = await this.#repository.manifests.resolve(reference, { signal });
    return { reference, bytes, isMissing: there?.digest !== digestOf(bytes) };
  }

  async #hasBlob(name: BlobName, options: WithSignal): Promise<boolean> {
    if (this.#there.has(name.digest)) return true;
    const isThere = await hasBlob(this.#repository, name, options);
    if (isThere) this.#there.add(name.digest);
    return isThere;
  }

  async #copyBlob(
    { file, digest }: ComparedBlob,
    { onBytes, signal }: WithSignal & Pick<PackageCopy, 'onBytes'>,
  ): Promise<void> {
    const target = await this.#repository.blobs.begin({ signal });
    try {
      await readVerified({
        open: () => file.open({ signal }),
        sha256: sha256Of({ digest }),
        onChunk: (chunk) => target.write(chunk),
        onBytes,
        signal,
      });
      await target.commit(digest, { signal });
      this.#there.add(digest);
    } finally {
      await target.discard();
    }
  }
}

function typeOf(bytes: Uint8Array): string {
  const document = new JsonFact(parseJsonDocument(bytes, 'manifest'), 'manifest');
  return document.find('mediaType')?.text() ?? OCI_MANIFEST;
}
