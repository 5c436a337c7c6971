// What a registry says of a package (FORMATS.md §6): signed packages by what is attached to their image, others by its config.
import { type ImageContent, sha256Of } from '../../buildcache/image/image-manifest.js';
import { hashOfTag, packageTag } from '../../buildcache/image/tags.js';
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { Repository } from '../../transport/oci/repository.js';
import type {
  AbsentPackage,
  DescribeOptions,
  ListedPackage,
  ListPackagesOptions,
  MetadataKind,
  PackageDescription,
  StoredFile,
} from '../build-cache.js';
import { checkIdentity } from '../check-identity.js';
import { storedBytes } from '../stored-bytes.js';
import { blobPath, imagePath, signaturePath } from './content/download-paths.js';
import { openContent } from './content/registry-content.js';
import {
  findImage,
  layoutOf,
  noTag,
  notSigned,
  type PackageImage,
  readConfigSpecfile,
  requireSameTarball,
  rulesOf,
} from './images/package-image.js';
import { findSignature, type SignedSpecfile } from './signatures/attached-signatures.js';

/** What was found for the question for the signed kind, which is asked first. */
type Known = 'signed' | 'absent' | PackageImage;

export class PackageImages {
  readonly #repository: Repository;
  readonly #known = new Map<string, Known>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Errors as `BuildCache.describe`. */
  async describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage> {
    const tag = packageTag(spec.root);
    return kind === 'signed'
      ? this.#describeSigned(tag, { ...options, spec })
      : this.#describeUnsigned(tag, { ...options, spec });
  }

  /** The packages that have a tag. Errors as `BuildCache.packages`. */
  async *list({ hashPrefix = '', signal }: ListPackagesOptions = {}): AsyncIterable<ListedPackage> {
    const tags: string[] = [];
    for await (const tag of this.#repository.tags({ signal }))
      if (hashOfTag(tag)?.startsWith(hashPrefix)) tags.push(tag);
    for (const tag of tags.sort()) yield this.#listed(tag);
  }

  /** The spec of what has a tag. Errors as `ListedPackage.read`. */
  async readSpec(tag: string, { signal }: WithSignal): Promise<Spec> {
    const image = await findImage(this.#repository, tag, { signal });
    if (image === undefined) throw noTag(this.#repository, tag);
    return (await readConfigSpecfile(this.#repository, image, { signal })).specfile.spec;
  }

  #listed(tag: string): ListedPackage {
    return {
      hash: hashOfTag(tag) ?? '',
      location: this.#repository.location(tag),
      read: (options) => this.readSpec(tag, options),
    };
  }

  async #describeSigned(tag: string, options: Describing): Promise<PackageDescription | AbsentPackage> {
    this.#known.delete(tag);
    const image = await findImage(this.#repository, tag, options);
    if (image === undefined) {
      this.#known.set(tag, 'absent');
      return { absence: noTag(this.#repository, tag) };
    }
    // Whoever wants no signature is not kept from the package by one that cannot be read.
    this.#known.set(tag, options.trust.isRequired ? 'signed' : image);
    const signature = await findSignature(this.#repository, image, options);
    this.#known.set(tag, signature === undefined ? image : 'signed');
    if (signature === undefined) return { absence: otherKind(image, 'it is not signed') };
    return this.#describe(image, {
      location: image.stored.location,
      specfile: signature.specfile,
      signature: signature.isVerified ? 'verified' : 'not-required',
      metadata: [this.#file(signature.config, 'config', image), ...signatureFiles(signature)],
      signed: { text: signature.text, layout: layoutOf(signature.specfile) },
    });
  }

  async #describeUnsigned(tag: string, options: Describing): Promise<PackageDescription | AbsentPackage> {
    const known = this.#known.get(tag);
    this.#known.delete(tag);
    const image = typeof known === 'object' ? known : await findImage(this.#repository, tag, options);
    if (known === 'absent' || image === undefined) return { absence: noTag(this.#repository, tag) };
    if (known === 'signed') return { absence: otherKind(image, 'it is signed') };
    const { location } = image.stored;
    if (options.trust.isRequired) throw notSigned(image);
    const { specfile } = await readConfigSpecfile(this.#repository, image, options);
    checkIdentity({ specfile, spec: options.spec, location, isVerified: false });
    requireSameTarball(specfile, image, `${location} (config)`);
    return this.#describe(image, { location, specfile, signature: 'not-required', metadata: [] });
  }

  #describe(image: PackageImage, facts: Facts): PackageDescription {
    const { location, specfile, signature, signed, metadata } = facts;
    const { manifest, tarball, stored, tag } = image;
    const named = this.#named(tarball, 'tarball', image);
    const own = [this.#file(tarball, 'tarball', image), this.#file(manifest.config, 'config', image)];
    const imageFile = { path: imagePath(tag), bytes: stored.bytes, location: stored.location };
    return {
      location,
      layout: layoutOf(specfile),
      specfile,
      signature,
      rules: rulesOf(specfile),
      tarball: {
        location: this.#repository.location(tarball.digest),
        size: tarball.size,
        sha256: sha256Of(tarball),
        namedBy: 'its manifest',
        open: (more = {}) => openContent(named, more),
        openFrom: (start, more = {}) => openContent(named, { ...more, start }),
      },
      signed,
      files: [...own, ...metadata, storedBytes(imageFile)],
      shared: manifest.layers.slice(0, -1).map((layer) => this.#file(layer, 'layer', image)),
    };
  }

  #file(content: ImageContent, kind: string, image: PackageImage): StoredFile {
    const named = this.#named(content, kind, image);
    return {
      path: blobPath(content),
      sha256: sha256Of(content),
      measure: async () => content.size,
      open: (options = {}) => openContent(named, options),
      openFrom: (start, options = {}) => openContent(named, { ...options, start }),
    };
  }

  #named(content: ImageContent, kind: string, { stored }: PackageImage) {
    return { repository: this.#repository, content, kind, manifest: stored.location };
  }
}

interface Describing extends DescribeOptions {
  readonly spec: Spec;
}

interface Facts extends Pick<PackageDescription, 'location' | 'specfile' | 'signature' | 'signed'> {
  readonly metadata: readonly StoredFile[];
}

function signatureFiles({ text, digest, manifest, location }: SignedSpecfile): readonly StoredFile[] {
  return [
    storedBytes({ path: blobPath({ digest }), bytes: text, location }),
    storedBytes({ path: signaturePath(manifest), bytes: manifest.bytes, location: manifest.location }),
  ];
}

function otherKind({ stored: { location } }: PackageImage, state: string): MirrorError {
  return new MirrorError('mirror-not-found', `Cannot use "${location}" as asked: ${state}`, {
    data: { location },
  });
}
