// What lies in a registry, as far as one tells: tags, their manifests, and the content that these name. What nothing names cannot be
// listed; the registry removes it by itself, and tells no times.

import {
  type ImageContent,
  type ImageManifest,
  parseImageManifest,
  sha256Of,
} from '../../buildcache/image/image-manifest.js';
import { hashOfTag, INDEX_TAG, KEYS_TAG } from '../../buildcache/image/tags.js';
import { parsePackageIndex } from '../../buildcache/index/package-index.js';
import { BuildcacheError, MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { RemoveOptions } from '../../transport/object-store.js';
import { fallbackTag } from '../../transport/oci/referrer-list.js';
import type { Repository } from '../../transport/oci/repository.js';
import type { DescribeOptions, PackedIndex } from '../build-cache.js';
import type {
  AuditEntry,
  CacheAudit,
  ContentReference,
  IndexEntry,
  KeyEntry,
  PackageEntry,
  ReadIndex,
  ReadPackage,
  StoredContent,
  StoredThing,
} from '../cache-audit.js';
import { openContent, readContent } from './content/registry-content.js';
import { findImageIndex } from './image-index.js';
import {
  findImage,
  noTag,
  notSigned,
  readConfigSpecfile,
  requireSameTarball,
} from './images/package-image.js';
import { OciKeyPublisher, OciKeys } from './oci-keys.js';
import { detachSignatures } from './signatures/attach-signature.js';
import { findSignature } from './signatures/attached-signatures.js';
import { unconditional, writeImageIndex } from './write-image-index.js';

const LARGEST_INDEX = 2 ** 31 - 1;

export class OciAudit implements CacheAudit {
  readonly layouts = 'oci';
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async *entries(options: WithSignal = {}): AsyncIterable<AuditEntry> {
    for (const tag of await this.#tags(options)) {
      const thing = this.#thing(tag);
      const hash = hashOfTag(tag);
      if (hash !== undefined) yield this.#packageEntry(tag, hash, thing);
      else if (tag === INDEX_TAG) yield this.#indexEntry(thing, undefined);
      else if (tag === KEYS_TAG) yield* this.#keyEntries(thing, options);
      // Whoever made an image of several packages, or attached something, gave it a tag.
      else yield { ...thing, kind: 'other', isKnown: true };
    }
  }

  async *contents(options: WithSignal = {}): AsyncIterable<StoredContent> {
    const seen = new Set<string>();
    for (const tag of await this.#tags(options)) {
      if (hashOfTag(tag) === undefined && tag !== INDEX_TAG && tag !== KEYS_TAG) continue;
      const manifest = await this.#readManifest(tag, options);
      for (const content of [manifest?.config, ...(manifest?.layers ?? [])]) {
        if (manifest === undefined || content === undefined || seen.has(content.digest)) continue;
        seen.add(content.digest);
        const found = await this.#repository.blobs.stat(content.digest, options);
        if (found !== undefined) yield this.#content(content, manifest, found.size);
      }
    }
  }

  async findIndex(view: string | undefined, options: WithSignal = {}): Promise<IndexEntry | undefined> {
    const there =
      view === undefined ? await this.#repository.manifests.resolve(INDEX_TAG, options) : undefined;
    return there && this.#indexEntry(this.#thing(INDEX_TAG), there.digest);
  }

  /** In a stable order: registries do not promise one. */
  async #tags(options: WithSignal): Promise<string[]> {
    const tags: string[] = [];
    for await (const tag of this.#repository.tags(options)) tags.push(tag);
    return tags.sort();
  }

  /** Undefined for what is gone, or cannot be understood: whoever reads the entry tells that. */
  async #readManifest(tag: string, options: WithSignal): Promise<ImageManifest | undefined> {
    const stored = await this.#repository.manifests.get(tag, options);
    try {
      return stored && parseImageManifest(stored);
    } catch (error) {
      if (error instanceof BuildcacheError) return undefined;
      throw error;
    }
  }

  #thing(tag: string): StoredThing {
    const { manifests } = this.#repository;
    return {
      location: this.#repository.location(tag),
      size: undefined,
      modified: undefined,
      tag: async (options) => (await manifests.resolve(tag, options))?.digest,
      remove: (options) => this.#remove(tag, options),
    };
  }

  /** A manifest goes by its digest, which every registry that removes anything can do; with it go all its tags. */
  async #remove(tag: string, { ifTag, signal }: RemoveOptions = {}): Promise<void> {
    const { manifests } = this.#repository;
    const digest = (await manifests.resolve(tag, { signal }))?.digest;
    if (digest === undefined) return;
    if (ifTag !== undefined && digest !== ifTag) throw changed(this.#repository.location(tag));
    await detachSignatures(this.#repository, digest, { signal });
    await manifests.remove(digest, { signal });
    // Where referrers are listed under a tag, nothing is left that the list could be of.
    const list = await manifests.resolve(fallbackTag(digest), { signal });
    if (list !== undefined) await manifests.remove(list.digest, { signal });
  }

  #content(content: ImageContent, { source }: ImageManifest, size = content.size): StoredContent {
    const named = { repository: this.#repository, content, kind: 'content', manifest: source };
    return {
      id: content.digest,
      location: this.#repository.location(content.digest),
      size,
      modified: undefined,
      tag: async () => content.digest,
      open: (options) => openContent(named, options),
    };
  }

  #packageEntry(tag: string, hash: string, thing: StoredThing): PackageEntry {
    const read = (options: DescribeOptions) => this.#readPackage(tag, options);
    return { ...thing, kind: 'package', hash, isSigned: undefined, read };
  }

  async #readPackage(tag: string, { trust, signal }: DescribeOptions): Promise<ReadPackage> {
    const repository = this.#repository;
    const image = await findImage(repository, tag, { signal });
    if (image === undefined) throw noTag(repository, tag);
    const readSpecfile = async (how: WithSignal = {}) => {
      const { specfile } = await readConfigSpecfile(repository, image, how);
      requireSameTarball(specfile, image, `${image.stored.location} (config)`);
      return specfile;
    };
    if (trust.isRequired) {
      const { spec } = await readSpecfile({ signal });
      const signature = await findSignature(repository, image, { spec, trust, signal });
      if (signature === undefined) throw notSigned(image);
    }
    const { config, layers } = image.manifest;
    const references = [
      ...layers.map((layer) => this.#reference(layer, 'tarball')),
      this.#reference(config, 'config'),
    ];
    return { references, spec: async (how) => (await readSpecfile(how)).spec };
  }

  #indexEntry(thing: StoredThing, foundTag: string | undefined): IndexEntry {
    return {
      ...thing,
      kind: 'index',
      view: undefined,
      ...(foundTag !== undefined && { foundTag }),
      read: (options) => this.#readIndex(options),
      rewrite: (index, { tag }, options) => this.#rewriteIndex(index, tag, options),
    };
  }

  async #readIndex({ signal }: WithSignal = {}): Promise<ReadIndex> {
    const repository = this.#repository;
    const found = await findImageIndex(repository, { signal });
    if (found === undefined) throw noTag(repository, INDEX_TAG);
    const { stored, content } = found;
    const named = { repository, content, kind: 'index', manifest: stored.location };
    const bytes = await readContent(named, { limit: LARGEST_INDEX, signal });
    return {
      references: [
        this.#reference(content, 'index'),
        this.#reference(parseImageManifest(stored).config, 'config'),
      ],
      packages: parsePackageIndex(bytes, stored.location),
      size: bytes.length,
      sha256: sha256Of(content),
      tag: stored.digest,
    };
  }

  /** What somebody else wrote is seen in most cases; the moment between the look and the writing remains. */
  async #rewriteIndex(index: PackedIndex, tag: string | undefined, options: WithSignal = {}): Promise<void> {
    if (tag !== undefined) {
      const there = await this.#repository.manifests.resolve(INDEX_TAG, options);
      const location = this.#repository.location(INDEX_TAG);
      throw there?.digest === tag ? unconditional(location) : changed(location);
    }
    await writeImageIndex(this.#repository, index, options);
  }

  async *#keyEntries(thing: StoredThing, options: WithSignal): AsyncIterable<AuditEntry> {
    const shelf = new OciKeys(this.#repository);
    const manifest = await this.#readManifest(KEYS_TAG, options);
    const config = manifest && [this.#reference(manifest.config, 'key index')];
    const read = async (how: WithSignal = {}) => {
      const keys = await shelf.list(how);
      return { references: config ?? [], fingerprints: keys.map(({ fingerprint }) => fingerprint) };
    };
    yield { ...thing, kind: 'key index', read };
    if (manifest === undefined) return;
    const digests = new Map(manifest.layers.map((layer) => [this.#repository.location(layer.digest), layer]));
    for await (const key of new OciKeyPublisher(this.#repository).files(options)) {
      const layer = digests.get(key.location);
      const references = layer === undefined ? [] : [this.#reference(layer, 'key')];
      const entry: KeyEntry = {
        location: key.location,
        size: layer?.size,
        modified: undefined,
        tag: async () => layer?.digest,
        kind: 'key',
        fingerprint: key.fingerprint,
        read: async (how) => ({ references, bytes: await key.read(how) }),
      };
      yield entry;
    }
  }

  #reference({ digest, size }: ImageContent, kind: string): ContentReference {
    const location = this.#repository.location(digest);
    return { id: digest, location, kind, size, sha256: sha256Of({ digest }) };
  }
}

function changed(location: string): MirrorError {
  return new MirrorError('mirror-changed', `Cannot change "${location}": somebody else did meanwhile`, {
    hint: 'Run the command again',
    retryable: true,
    data: { location },
  });
}
