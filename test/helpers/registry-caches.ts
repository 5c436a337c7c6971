// Build caches that were laid down in folders, served by a registry: what is in a folder when it is opened first is there from then on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MirrorError } from '../../src/core/errors.js';
import { openRepository } from '../../src/transport/oci/open-repository.js';
import type { PendingBlob, Repository } from '../../src/transport/oci/repository.js';
import { FakeRegistry, type FakeRegistryOptions, type FakeRepository } from './fake-registry.js';

export class RegistryCaches {
  readonly fake: FakeRegistry;
  readonly #names = new Map<string, string>();
  readonly #opened: Repository[] = [];

  private constructor(fake: FakeRegistry) {
    this.fake = fake;
  }

  static async start(options: FakeRegistryOptions = { pageSize: 100 }): Promise<RegistryCaches> {
    return new RegistryCaches(await FakeRegistry.start(options));
  }

  open(folder: string): Repository {
    const repository = openRepository(this.url(folder), { environment: {} });
    this.#opened.push(repository);
    return repository;
  }

  url(folder: string): string {
    return this.fake.url(this.#nameOf(folder));
  }

  content(folder: string): FakeRepository {
    return this.fake.repository(this.#nameOf(folder));
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((repository) => repository.close()));
    await this.fake.close();
  }

  #nameOf(folder: string): string {
    const known = this.#names.get(folder);
    if (known !== undefined) return known;
    const name = `caches/number${this.#names.size}`;
    this.#names.set(folder, name);
    if (existsSync(join(folder, 'index.json'))) this.fake.loadImageLayout(folder, name);
    return name;
  }
}

/** A repository in which the n-th step of writing with a name fails: pieces of blobs, their ends, and manifests. */
export function failingRepository(repository: Repository, step: string, when: number) {
  let calls = 0;
  const count = (name: string) => {
    if (name === step && ++calls === when) throw new MirrorError('mirror-full', 'full');
  };
  const watched = (blob: PendingBlob): PendingBlob => ({
    write: async (bytes) => {
      count('write');
      return blob.write(bytes);
    },
    commit: async (digest, options) => {
      count('commit');
      return blob.commit(digest, options);
    },
    discard: () => blob.discard(),
  });
  const { blobs, manifests } = repository;
  const begin = blobs.begin.bind(blobs);
  const put = manifests.put.bind(manifests);
  blobs.begin = async (options) => watched(await begin(options));
  manifests.put = async (...given) => {
    count('prepare');
    return put(...given);
  };
  return { repository, hasFailed: () => calls >= when };
}
