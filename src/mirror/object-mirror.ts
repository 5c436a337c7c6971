// Stands between operations that know mirrors as bytes by path and the stores of `transport/`, until they ask build caches instead.
import type { ObjectStore } from '../transport/object-store.js';
import type { GetOptions, Mirror, MirrorObject } from './mirror.js';
import type { ObjectWriter, WritableMirror } from './writable-mirror.js';

export interface ObjectMirrorOptions {
  /** The configured name; the location by default. */
  readonly name?: string | undefined;
  /** Whether metadata must be signed; true by default. */
  readonly signed?: boolean | undefined;
}

/** An object store as a mirror. */
export class ObjectMirror implements Mirror {
  readonly name: string;
  readonly url: string;
  readonly signed: boolean;
  list?: NonNullable<Mirror['list']>;
  sizeOf?: NonNullable<Mirror['sizeOf']>;
  getIfChanged?: NonNullable<Mirror['getIfChanged']>;
  readonly #store: ObjectStore;
  /** Of folders the index cache keeps no tags: there it compares the digests of the hash file. */
  readonly #keepsTags: boolean;

  constructor(store: ObjectStore, { name, signed }: ObjectMirrorOptions = {}) {
    this.#store = store;
    this.name = name ?? store.location('');
    this.url = store.url;
    this.signed = signed ?? true;
    this.#keepsTags = !store.url.startsWith('file:');
    if (store.lister !== undefined) this.list = (path, options) => this.#names(path, options);
    if (store.sizeHint !== undefined) this.sizeOf = (path) => store.sizeHint?.(path);
    if (this.#keepsTags) this.getIfChanged = (path, tag, options) => this.#getUnless(path, tag, options);
  }

  location(path: string): string {
    return this.#store.location(path);
  }

  async get(path: string, { signal }: GetOptions = {}): Promise<MirrorObject> {
    const { tag, ...object } = await this.#store.open(path, { signal });
    return { ...object, etag: this.#keepsTags ? tag : undefined };
  }

  async has(path: string, { signal }: GetOptions = {}): Promise<boolean> {
    return (await this.#store.stat(path, { signal })) !== undefined;
  }

  async close(): Promise<void> {
    await this.#store.close?.();
  }

  async #getUnless(
    path: string,
    unlessTag: string,
    { signal }: GetOptions = {},
  ): Promise<MirrorObject | 'not-modified'> {
    const answer = await this.#store.open(path, { unlessTag, signal });
    if (answer === 'not-modified') return answer;
    const { tag, ...object } = answer;
    return { ...object, etag: tag };
  }

  async *#names(folder: string, { signal }: GetOptions = {}): AsyncIterable<string> {
    const start = folder === '' ? 0 : folder.length + 1;
    const names: string[] = [];
    for await (const { path } of this.#store.lister?.list(folder, { signal, withFolders: true }) ?? [])
      names.push(path.slice(start).replace(/\/$/, ''));
    yield* names.sort();
  }
}

/** An object store that has a writer. */
export class WritableObjectMirror extends ObjectMirror implements WritableMirror {
  readonly #writer: NonNullable<ObjectStore['writer']>;

  constructor(
    store: ObjectStore & { readonly writer: NonNullable<ObjectStore['writer']> },
    options: ObjectMirrorOptions = {},
  ) {
    super(store, options);
    this.#writer = store.writer;
  }

  async create(path: string, { signal }: GetOptions = {}): Promise<ObjectWriter> {
    const pending = await this.#writer.begin({ path, signal });
    return {
      write: (bytes) => pending.write(bytes),
      prepare: () => pending.prepare(),
      commit: async () => {
        await pending.commit(path);
      },
      discard: () => pending.discard(),
    };
  }

  remove(path: string, { signal }: GetOptions = {}): Promise<void> {
    return this.#writer.remove(path, { signal });
  }
}
