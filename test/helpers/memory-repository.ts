// A repository of a registry in memory, strict as a registry is: content has the digest it is named by, and manifests name what is there.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntegrityError, MirrorError } from '../../src/core/errors.js';
import type {
  Descriptor,
  NewManifest,
  PendingBlob,
  Repository,
  RepositoryBlobs,
  RepositoryManifests,
  StoredManifest,
} from '../../src/transport/oci/repository.js';

interface Document {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Record<string, string>;
}

export interface MemoryRepositoryOptions {
  readonly url?: string;
  /** False: neither tags nor manifests can be removed. */
  readonly canDelete?: boolean;
  /** Called before each request, with its name; may throw. */
  readonly onRequest?: (name: string, what: string) => void | Promise<void>;
  /** Other repositories of the same registry, by name. */
  readonly siblings?: ReadonlyMap<string, MemoryRepository>;
}

export class MemoryRepository implements Repository {
  readonly url: string;
  readonly content = new Map<string, Uint8Array>();
  readonly documents = new Map<string, NewManifest>();
  readonly tagged = new Map<string, string>();
  readonly requests: string[] = [];
  readonly blobs: RepositoryBlobs;
  readonly manifests: RepositoryManifests;
  readonly #options: MemoryRepositoryOptions;

  constructor(options: MemoryRepositoryOptions = {}) {
    this.#options = options;
    this.url = options.url ?? 'oci://registry.test/cache';
    this.blobs = this.#makeBlobs();
    this.manifests = this.#makeManifests();
  }

  location(reference: string): string {
    return `${this.url}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`;
  }

  async *tags(): AsyncIterable<string> {
    await this.#request('tags', '');
    yield* [...this.tagged.keys()];
  }

  async referrers(digest: string, artifactType: string): Promise<readonly Descriptor[]> {
    await this.#request('referrers', digest);
    return [...this.documents].flatMap(([own, { bytes, mediaType }]) => {
      const { subject, config, ...document } = parse(bytes);
      const type = document.artifactType ?? config?.mediaType;
      if (subject?.digest !== digest || type !== artifactType) return [];
      return [{ mediaType, digest: own, size: bytes.length, artifactType: type }];
    });
  }

  async close(): Promise<void> {}

  /** What a tag names, parsed. */
  document(reference: string): Document {
    const found = this.documents.get(this.tagged.get(reference) ?? reference);
    assert.ok(found, `${reference} is there`);
    return parse(found.bytes);
  }

  /** A blob, as text. */
  text(digest: string): string {
    const bytes = this.content.get(digest);
    assert.ok(bytes, `${digest} is there`);
    return Buffer.from(bytes).toString('utf8');
  }

  /** Puts a blob there without a request. */
  lay(bytes: Uint8Array): string {
    const digest = digestOf(bytes);
    this.content.set(digest, bytes);
    return digest;
  }

  async #request(name: string, what: string): Promise<void> {
    this.requests.push(`${name} ${what}`);
    await this.#options.onRequest?.(name, what);
  }

  #makeBlobs(): RepositoryBlobs {
    return {
      open: async (digest, { start = 0 } = {}) => {
        await this.#request('open', digest);
        const bytes = this.content.get(digest);
        if (bytes === undefined) throw notFound(this.location(digest));
        const part = bytes.subarray(start);
        const body = new Blob([new Uint8Array(part)]).stream();
        return { body, size: part.length, tag: undefined, location: this.location(digest) };
      },
      stat: async (digest) => {
        await this.#request('stat', digest);
        const bytes = this.content.get(digest);
        return bytes && { size: bytes.length };
      },
      begin: async () => {
        await this.#request('begin', '');
        return this.#pending();
      },
      mount: async (digest, from) => {
        await this.#request('mount', `${digest} ${from}`);
        const bytes = this.#options.siblings?.get(from)?.content.get(digest);
        if (bytes !== undefined) this.content.set(digest, bytes);
        return bytes !== undefined;
      },
      remove: async (digest) => {
        await this.#requireDeletion(digest);
        this.content.delete(digest);
      },
    };
  }

  #pending(): PendingBlob {
    const chunks: Uint8Array[] = [];
    return {
      write: async (bytes) => {
        await this.#request('write', '');
        chunks.push(Uint8Array.from(bytes));
      },
      commit: async (digest) => {
        await this.#request('commit', digest);
        const bytes = Buffer.concat(chunks);
        if (digestOf(bytes) !== digest) throw new IntegrityError('checksum-mismatch', `Not ${digest}`);
        this.content.set(digest, bytes);
      },
      discard: async () => {},
    };
  }

  #makeManifests(): RepositoryManifests {
    return {
      get: async (reference) => {
        await this.#request('get', reference);
        return this.#find(reference);
      },
      resolve: async (reference) => {
        await this.#request('resolve', reference);
        const found = this.#find(reference);
        return found && { digest: found.digest };
      },
      put: async (reference, { bytes, mediaType }) => {
        await this.#request('put', reference);
        const digest = digestOf(bytes);
        this.#requireContent(bytes);
        this.documents.set(digest, { bytes: Uint8Array.from(bytes), mediaType });
        if (reference.startsWith('sha256:')) assert.equal(reference, digest);
        else this.tagged.set(reference, digest);
        return { digest, isReferrer: true };
      },
      remove: async (reference) => {
        await this.#requireDeletion(reference);
        if (this.tagged.delete(reference)) return;
        this.documents.delete(reference);
        for (const [tag, digest] of this.tagged) if (digest === reference) this.tagged.delete(tag);
      },
    };
  }

  #find(reference: string): StoredManifest | undefined {
    const digest = this.tagged.get(reference) ?? reference;
    const found = this.documents.get(digest);
    return found && { ...found, digest, location: this.location(reference) };
  }

  #requireContent(bytes: Uint8Array): void {
    const { mediaType, config, layers = [], manifests = [] } = parse(bytes);
    assert.ok(mediaType, 'a manifest has a type');
    for (const { digest, size } of [...(config ? [config] : []), ...layers])
      if (this.content.get(digest)?.length !== size) throw missing(digest);
    for (const { digest } of manifests) if (!this.documents.has(digest)) throw missing(digest);
  }

  async #requireDeletion(what: string): Promise<void> {
    await this.#request('remove', what);
    if (this.#options.canDelete === false)
      throw new MirrorError('mirror-no-delete', `Cannot remove "${what}"`);
  }
}

/** The repository that an image layout of the fixtures stands for. */
export function readImageLayout(folder: string, options: MemoryRepositoryOptions = {}): MemoryRepository {
  const repository = new MemoryRepository(options);
  const read = (digest: string) => readFileSync(join(folder, 'blobs', 'sha256', digest.slice(7)));
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
    readonly manifests: readonly (Descriptor & { readonly annotations: Record<string, string> })[];
  };
  for (const { digest, mediaType, annotations } of index.manifests) {
    const bytes = read(digest);
    repository.documents.set(digest, { bytes, mediaType });
    const tag = annotations['org.opencontainers.image.ref.name'];
    if (tag !== undefined) repository.tagged.set(tag, digest);
    const { config, layers = [] } = parse(bytes);
    for (const each of [...(config ? [config] : []), ...layers]) repository.lay(read(each.digest));
  }
  return repository;
}

function parse(bytes: Uint8Array): Document {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Document;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function notFound(location: string): MirrorError {
  return new MirrorError('mirror-not-found', `Cannot open "${location}"`);
}

function missing(digest: string): MirrorError {
  return new MirrorError('blob-missing', `The manifest names "${digest}", which is not there`);
}
