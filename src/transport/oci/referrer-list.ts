// What refers to a manifest (OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema"): asked of the registry, or
// kept under a tag that is made of the digest, where the registry does not know of referrers. Such a tag is read and written again, so
// two writers may undo each other's entry: each looks again until its own is there.
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { readBody } from '../read-object.js';
import { digestOf, isDigest } from './digest.js';
import { invalidManifest, LARGEST_MANIFEST, type ManifestStore } from './manifest-store.js';
import { IMAGE_INDEX } from './media-types.js';
import type { RegistryClient } from './registry-client.js';
import type { Descriptor, StoredManifest } from './repository.js';
import { nextPage } from './tag-list.js';

/** As often a writer looks whether its entry is still there. */
const ATTEMPTS = 8;
/** Nobody has more signatures of one package. */
const MOST_PAGES = 1000;

export interface ReferrerListOptions {
  readonly client: RegistryClient;
  readonly manifests: ManifestStore;
}

export class ReferrerList {
  readonly #client: RegistryClient;
  readonly #manifests: ManifestStore;
  /** Whether the registry knows of referrers; undefined until it was asked. */
  #isKnown: boolean | undefined;

  constructor({ client, manifests }: ReferrerListOptions) {
    this.#client = client;
    this.#manifests = manifests;
  }

  /** Errors as `Repository.referrers`. */
  async list(
    digest: string,
    artifactType: string,
    { signal }: WithSignal = {},
  ): Promise<readonly Descriptor[]> {
    const asked = this.#isKnown === false ? undefined : await this.#ask(digest, artifactType, { signal });
    this.#isKnown ??= asked !== undefined;
    const found = asked ?? (await this.#tagged(digest, { signal }));
    return found.filter((each) => each.artifactType === artifactType);
  }

  /** Adds an entry below the fallback tag of the subject. Errors as `RepositoryManifests.put`. */
  async add(subject: string, entry: Descriptor, { signal }: WithSignal = {}): Promise<void> {
    const tag = fallbackTag(subject);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const entries = await this.#tagged(subject, { signal });
      if (entries.some(({ digest }) => digest === entry.digest)) return;
      const bytes = Buffer.from(formatIndex([...entries, entry]));
      await this.#manifests.put(tag, { bytes, mediaType: IMAGE_INDEX }, { signal });
    }
    throw new MirrorError(
      'mirror-changed',
      `Cannot add to "${this.#client.location(tag)}": others write it again and again`,
      { hint: 'Run the command again', retryable: true, data: { location: this.#client.location(tag) } },
    );
  }

  /** Undefined where the registry does not know of them. */
  async #ask(
    digest: string,
    artifactType: string,
    { signal }: WithSignal,
  ): Promise<readonly Descriptor[] | undefined> {
    const found: Descriptor[] = [];
    const asked = new Set<string>();
    const query = new URLSearchParams({ artifactType });
    let target: string | URL | undefined = `referrers/${digest}?${query}`;
    while (target !== undefined) {
      const { href } = this.#client.url(target);
      if (asked.has(href) || asked.size >= MOST_PAGES) break;
      asked.add(href);
      const answer = await this.#client.send({
        method: 'GET',
        target,
        headers: { accept: IMAGE_INDEX },
        signal,
      });
      const location = this.#client.location(digest);
      if (answer.status !== 200) {
        // Registries that know of them answer with an empty list where there are none.
        if (found.length === 0 && [400, 404, 405, 501].includes(answer.status)) {
          answer.discard();
          return undefined;
        }
        throw await this.#client.error(answer, { purpose: 'list', reference: digest });
      }
      const next = nextPage(answer.header('link'));
      const { size, encoding } = answer;
      const page = { body: answer.body(), size, encoding, location };
      found.push(...entriesIn(await readBody(page, { limit: LARGEST_MANIFEST, signal }), location));
      const followed: URL | undefined = next === undefined ? undefined : this.#client.follow(next, target);
      target = followed?.origin === this.#client.place.origin ? followed : undefined;
    }
    return found;
  }

  async #tagged(digest: string, { signal }: WithSignal): Promise<readonly Descriptor[]> {
    const index = await this.#manifests.get(fallbackTag(digest), { signal });
    return index === undefined ? [] : entriesIn(index.bytes, index.location);
  }
}

/** The tag that stands for the referrers of a manifest. */
export function fallbackTag(digest: string): string {
  return digest.replace(':', '-');
}

/** The descriptor of a manifest that refers to another one, as lists have it. */
export function referrerOf({ bytes, mediaType }: Pick<StoredManifest, 'bytes' | 'mediaType'>): Descriptor {
  const { artifactType, config, annotations } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    artifactType?: string;
    config?: { mediaType?: string };
    annotations?: Record<string, string>;
  };
  return {
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    artifactType: artifactType ?? config?.mediaType,
    ...(annotations !== undefined && { annotations }),
  };
}

/** What a manifest refers to; undefined where it refers to nothing. */
export function subjectOf(bytes: Uint8Array): string | undefined {
  try {
    const { subject } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { subject?: { digest?: unknown } };
    return typeof subject?.digest === 'string' && isDigest(subject.digest) ? subject.digest : undefined;
  } catch {
    return undefined;
  }
}

function formatIndex(manifests: readonly Descriptor[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests });
}

function entriesIn(bytes: Uint8Array, location: string): readonly Descriptor[] {
  let manifests: unknown;
  try {
    ({ manifests } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { manifests?: unknown });
  } catch {
    throw invalidManifest(location, 'the list of its referrers is not JSON');
  }
  if (!Array.isArray(manifests))
    throw invalidManifest(location, 'the list of its referrers has no "manifests"');
  return manifests.filter(isDescriptor);
}

function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, size, mediaType } = value as Partial<Descriptor>;
  return (
    typeof digest === 'string' &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    typeof mediaType === 'string'
  );
}
