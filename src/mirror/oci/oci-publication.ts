// Publishes one package in a registry: its tarball, its config, what is signed, and last the manifest with its tag. An interrupted push
// leaves nothing but blobs.
import { formatImageSpecfile } from '../../buildcache/image/image-specfile.js';
import { packageTag } from '../../buildcache/image/tags.js';
import { formatSpecfile } from '../../buildcache/specfile/write-specfile.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { PendingBlob, Repository } from '../../transport/oci/repository.js';
import type {
  ImageFacts,
  Publication,
  PublishedContent,
  PublishedLayout,
  TarballContent,
} from '../build-cache.js';
import type { BaseImages } from './images/base-image.js';
import type { ImageLayers } from './images/image-layers.js';
import { type MadeImage, makeImage } from './images/make-image.js';
import { attachSignature, detachSignatures } from './signatures/attach-signature.js';

export interface OciPublicationOptions {
  readonly repository: Repository;
  readonly bases: BaseImages;
  readonly layers: ImageLayers;
  readonly layout: PublishedLayout;
  readonly spec: Spec;
  /** Undefined where the blob is there. */
  readonly tarball: PendingBlob | undefined;
}

export class OciPublication implements Publication {
  readonly #options: OciPublicationOptions;
  #hasEnded = false;

  constructor(options: OciPublicationOptions) {
    this.#options = options;
  }

  get hasTarball(): boolean {
    return this.#options.tarball === undefined;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#options.tarball?.write(bytes);
  }

  async endTarball({ sha256 }: TarballContent, options: WithSignal = {}): Promise<void> {
    if (this.#hasEnded) return;
    options.signal?.throwIfAborted();
    await this.#options.tarball?.commit(`sha256:${sha256}`, options);
    this.#hasEnded = true;
  }

  async finish(content: PublishedContent, options: WithSignal = {}): Promise<void> {
    const { repository, spec } = this.#options;
    const { image: facts } = content;
    if (facts === undefined) throw new TypeError('An image needs to know the content of its archive');
    const signed = await this.#signedText(content);
    await this.endTarball(content, options);
    const image = await this.#makeImage(content, facts, options);
    const subject = { ...image, size: image.bytes.length };
    if (signed !== undefined) await attachSignature(repository, { subject, text: signed }, options);
    const tag = packageTag(spec.root);
    const before = signed === undefined ? await repository.manifests.resolve(tag, options) : undefined;
    options.signal?.throwIfAborted();
    await repository.manifests.put(tag, image, options);
    // The same image may have been signed before.
    if (before?.digest === image.digest) await detachSignatures(repository, image.digest, options);
  }

  async abandon(): Promise<void> {
    await this.#options.tarball?.discard();
  }

  async #signedText(content: PublishedContent): Promise<Uint8Array | undefined> {
    const { sign, specJson, sha256, carried } = content;
    if (carried !== undefined) return carried.text;
    const facts = { layoutVersion: this.#options.layout, sha256 };
    return sign?.(formatSpecfile(specJson.bytes, specJson.path, facts));
  }

  #makeImage(
    { specJson, sha256, size, carried }: PublishedContent,
    facts: ImageFacts,
    { signal }: WithSignal,
  ): Promise<MadeImage> {
    const { layers, spec } = this.#options;
    const layout = carried?.layout ?? this.#options.layout;
    const inspection = facts.inspect(spec.root);
    const digest = `sha256:${sha256}`;
    layers.note(spec.root.hash, { digest, size, diffId: `sha256:${facts.tarSha256}`, inspection });
    const described = { layoutVersion: layout, sha256, size, now: new Date() };
    return makeImage({
      ...this.#options,
      layout,
      specs: [spec],
      inspect: (node) => facts.inspect(node),
      specfile: formatImageSpecfile(specJson.bytes, specJson.path, described),
      signal,
    });
  }
}
