// What refers to a manifest (OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema"): asked of the registry, or
// kept under a tag that is made of the digest, where the registry does not know of referrers. Such a tag is read and written again, and
// registries know no conditions for that, so two writers may undo each other's entry: each looks again, and repairs it.
import { setTimeout as delay } from 'node:timers/promises';
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { digestOf, isDigest } from './digest.js';
import { invalidManifest, LARGEST_MANIFEST, type ManifestStore } from './manifest-store.js';
import { IMAGE_INDEX } from './media-types.js';
import { invalidList, readPages } from './paged-list.js';
import type { RegistryClient } from './registry-client.js';
import type { Descriptor, StoredManifest } from './repository.js';

/** As often a writer looks whether all entries are still there. */
const MOST_LOOKS = 20;
/** In milliseconds, between two looks. */
const LONGEST_PAUSE = 5000;
/** Nobody has more signatures of one package. */
const MOST_PAGES = 1000;
const MOST_REFERRERS = 10_000;

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

  /**
   * Adds an entry below the fallback tag of the subject, and puts back what it has seen there and others overwrote; it looks until nothing
   * moves any more. Errors as `RepositoryManifests.put`.
   */
  async add(subject: string, entry: Descriptor, { signal }: WithSignal = {}): Promise<void> {
    const tag = fallbackTag(subject);
    const known = new Map([[entry.digest, entry]]);
    for (let look = 1; look <= MOST_LOOKS; look++) {
      const begun = performance.now();
      const entries = await this.#tagged(subject, { signal });
      const listed = new Set(entries.map(({ digest }) => digest));
      const isWhole = [...known.keys()].every((digest) => listed.has(digest));
      const isQuiet = isWhole && (look === 1 || listed.size === known.size);
      if (isQuiet) return;
      for (const each of entries) known.set(each.digest, each);
      if (!isWhole) {
        const bytes = Buffer.from(formatIndex([...known.values()]));
        await this.#manifests.put(tag, { bytes, mediaType: IMAGE_INDEX }, { signal });
      }
      // Who has read before this was written will have written by then, unless much slower.
      const pause = Math.min(LONGEST_PAUSE, (performance.now() - begun) * (2 + Math.random()));
      await delay(pause, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
    }
    const location = this.#client.location(tag);
    throw new MirrorError('mirror-changed', `Cannot add to "${location}": others write it again and again`, {
      hint: 'Run the command again',
      retryable: true,
      data: { location },
    });
  }

  /** Undefined where the registry does not know of them: if it does, it sends an empty list where there are none. */
  async #ask(
    digest: string,
    artifactType: string,
    { signal }: WithSignal,
  ): Promise<readonly Descriptor[] | undefined> {
    const found: Descriptor[] = [];
    const list = {
      target: `referrers/${digest}?${new URLSearchParams({ artifactType })}`,
      accept: IMAGE_INDEX,
      reference: digest,
      limit: LARGEST_MANIFEST,
      mostPages: MOST_PAGES,
      absent: [400, 404, 405, 501],
      signal,
    };
    for await (const page of readPages(this.#client, list)) {
      if (page === undefined) return undefined;
      found.push(...entriesIn(page, this.#client.location(digest)));
      if (found.length > MOST_REFERRERS) throw invalidList(this.#client.location(digest), 'it does not end');
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
