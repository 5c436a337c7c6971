// Opens repositories of registries: the requests, the login, and what makes bodies steady on bad networks.
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore, OpenedObject } from '../object-store.js';
import { type OpenStoreOptions, openSteadily } from '../open-store.js';
import { BlobObjects } from './blob-objects.js';
import { BlobUpload } from './blob-upload.js';
import { isDigest, sha256OfDigest } from './digest.js';
import { registryLogin } from './login/registry-login.js';
import { ManifestStore } from './manifest-store.js';
import { ReferrerList, referrerOf, subjectOf } from './referrer-list.js';
import { RegistryClient } from './registry-client.js';
import type {
  NewManifest,
  OpenBlobOptions,
  PendingBlob,
  PutManifest,
  Repository,
  RepositoryBlobs,
  RepositoryManifests,
} from './repository.js';
import { parseRepositoryUrl } from './repository-place.js';
import { listTags } from './tag-list.js';

/**
 * Opens a repository; nothing is asked yet.
 * @param reference An `oci:` or `oci+http:` URL.
 * @throws MirrorError `mirror-protocol` for what is none; UsageError `config` for a login that cannot be used
 */
export function openRepository(reference: string, options: OpenStoreOptions = {}): Repository {
  const place = parseRepositoryUrl(reference);
  const { connection, environment = process.env } = options;
  let client: RegistryClient | undefined;
  const store = openSteadily(options, (http) => {
    const login = registryLogin({ place, connection, environment, http });
    client = new RegistryClient({ place, login, http });
    return new BlobObjects(client);
  });
  if (client === undefined) throw new TypeError('The store was not opened');
  return new RegistryRepository(client, store);
}

class RegistryRepository implements Repository {
  readonly url: string;
  readonly blobs: RepositoryBlobs;
  readonly manifests: RepositoryManifests;
  readonly #client: RegistryClient;
  readonly #referrers: ReferrerList;

  constructor(client: RegistryClient, store: ObjectStore) {
    const manifests = new ManifestStore(client);
    this.url = client.place.url;
    this.#client = client;
    this.#referrers = new ReferrerList({ client, manifests });
    this.blobs = new RegistryBlobs(client, store);
    this.manifests = new RegistryManifests(manifests, this.#referrers);
  }

  location(reference: string): string {
    return this.#client.location(reference);
  }

  tags(options: WithSignal = {}): AsyncIterable<string> {
    return listTags(this.#client, options);
  }

  referrers(digest: string, artifactType: string, options: WithSignal = {}) {
    return this.#referrers.list(digest, artifactType, options);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

class RegistryBlobs implements RepositoryBlobs {
  readonly #client: RegistryClient;
  readonly #store: ObjectStore;

  constructor(client: RegistryClient, store: ObjectStore) {
    this.#client = client;
    this.#store = store;
  }

  open(digest: string, { start, signal }: OpenBlobOptions = {}): Promise<OpenedObject> {
    const range = start === undefined || start === 0 ? undefined : { start };
    return this.#store.open(requireDigest(digest), { range, sha256: sha256OfDigest(digest), signal });
  }

  async stat(digest: string, options: WithSignal = {}): Promise<{ size: number | undefined } | undefined> {
    return this.#store.stat(requireDigest(digest), options);
  }

  begin({ signal }: WithSignal = {}): Promise<PendingBlob> {
    const has = async (digest: string, how: WithSignal) => (await this.stat(digest, how)) !== undefined;
    return BlobUpload.begin({ client: this.#client, has, signal });
  }

  async mount(digest: string, from: string, { signal }: WithSignal = {}): Promise<boolean> {
    const query = new URLSearchParams({ mount: requireDigest(digest), from });
    const target = `blobs/uploads/?${query}`;
    const demand = { purpose: 'write', expected: [201, 202] } as const;
    const asked = this.#client.demand({ method: 'POST', target, signal, isRepeatable: true }, demand);
    const answer = await asked.catch((error: unknown) => {
      // The other repository may be closed to whoever may write here; if not even that, the upload tells.
      if (error instanceof MirrorError && error.code === 'mirror-login-failed') return undefined;
      throw error;
    });
    answer?.discard();
    if (answer === undefined) return false;
    if (answer.status === 201) return true;
    // The registry began an upload in place of it.
    await this.#client.giveUp(this.#client.follow(answer.header('location'), target));
    return false;
  }

  async remove(digest: string, { signal }: WithSignal = {}): Promise<void> {
    const target = `blobs/${requireDigest(digest)}`;
    const demand = { purpose: 'remove', reference: digest, expected: [200, 202, 204, 404] } as const;
    (await this.#client.demand({ method: 'DELETE', target, signal }, demand)).discard();
  }
}

class RegistryManifests implements RepositoryManifests {
  readonly #manifests: ManifestStore;
  readonly #referrers: ReferrerList;

  constructor(manifests: ManifestStore, referrers: ReferrerList) {
    this.#manifests = manifests;
    this.#referrers = referrers;
  }

  get(reference: string, options?: WithSignal) {
    return this.#manifests.get(reference, options);
  }

  resolve(reference: string, options?: WithSignal) {
    return this.#manifests.resolve(reference, options);
  }

  async put(reference: string, manifest: NewManifest, options: WithSignal = {}): Promise<PutManifest> {
    const { digest, subject } = await this.#manifests.put(reference, manifest, options);
    const refersTo = subjectOf(manifest.bytes);
    if (refersTo !== undefined && subject !== refersTo)
      await this.#referrers.add(refersTo, referrerOf(manifest), options);
    return { digest, isReferrer: refersTo !== undefined && subject === refersTo };
  }

  remove(reference: string, options?: WithSignal): Promise<void> {
    return this.#manifests.remove(reference, options);
  }
}

function requireDigest(digest: string): string {
  if (isDigest(digest)) return digest;
  throw new TypeError(`Not a digest: "${digest}"`);
}
