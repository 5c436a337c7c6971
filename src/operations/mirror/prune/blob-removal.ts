// Removes blobs that nothing names. A push may name one at any moment, so each is removed with its bytes in hand: what is named
// afterwards is written back.
import { BuildcacheError } from '../../../core/errors.js';
import type { AuditEntry, CacheAudit, PackageEntry, StoredContent } from '../../../mirror/cache-audit.js';
import { removeThings } from '../../../mirror/stored-thing.js';
import type { RemoveOptions } from '../../../transport/object-store.js';
import { isNotFound } from '../../../transport/read-object.js';
import type { JudgedPackage } from './judge-package.js';
import type { PrunedThing } from './pruned-thing.js';

export interface BlobRemovalOptions {
  readonly audit: CacheAudit;
  readonly contents: ReadonlyMap<string, StoredContent>;
  /** Blobs that were written later stay, unless they belong to a package that goes. */
  readonly oldest: number;
  readonly dryRun: boolean;
  /** The clock, in milliseconds since 1970. */
  readonly now: number;
  readonly signal: AbortSignal | undefined;
}

/** Blobs that are removed before the manifests are looked at again; each holds a file or a connection open, of which there are 32. */
const BATCH = 24;
/**
 * Manifests as young as this may be written anew within one tick of the server's clock, so that they look as before: they are read at
 * each look. A bucket refuses whose clock differs by more.
 */
const YOUNG = 15 * 60_000;

export class BlobRemoval {
  readonly #options: BlobRemovalOptions;
  /** Everything that is named by what stays. */
  readonly #named = new Set<string>();
  /** What was read already, by place and state. */
  readonly #read = new Set<string>();

  constructor(options: BlobRemovalOptions) {
    this.#options = options;
  }

  /** Content that these name stays. */
  async protect(entries: readonly AuditEntry[]): Promise<void> {
    for (const entry of entries) {
      const key = stateOf(entry);
      if (this.#read.has(key)) continue;
      const { signal } = this.#options;
      const mentions = await entry.mentions?.({ signal }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      for (const id of mentions ?? []) this.#named.add(id);
      if (this.#options.now - (entry.modified ?? Number.POSITIVE_INFINITY) > YOUNG) this.#read.add(key);
    }
  }

  /** Removes manifests, but none that somebody wrote anew meanwhile. */
  async removeEntries(entries: readonly PackageEntry[]): Promise<ReadonlySet<PackageEntry>> {
    const { signal, dryRun } = this.#options;
    const removed = new Set<PackageEntry>();
    for (const entry of entries) this.#read.add(stateOf(entry));
    if (dryRun) return new Set(entries);
    for (let at = 0; at < entries.length; at += BATCH) {
      const batch = entries.slice(at, at + BATCH);
      // First the tags: what looks as before after that is what has them.
      const tags = new Map<PackageEntry, string | undefined>();
      for (const entry of batch) tags.set(entry, await entry.tag({ signal }));
      const current = new Set((await this.#entries()).map(stateOf));
      for (const entry of batch.filter((each) => current.has(stateOf(each)))) {
        signal?.throwIfAborted();
        if (await isRemoved(entry, { ifTag: tags.get(entry), ifModified: entry.modified, signal }))
          removed.add(entry);
      }
    }
    return removed;
  }

  /** Removes what is named by nothing that is there now. */
  async removeBlobs(doomed: readonly JudgedPackage[]): Promise<PrunedThing[]> {
    const { contents, oldest, dryRun } = this.#options;
    const goesWith = new Set(doomed.flatMap(({ references }) => references));
    if (!dryRun) await this.#look();
    const candidates = [...contents.values()].filter(
      ({ id, modified }) =>
        !this.#named.has(id) && ((modified ?? Number.POSITIVE_INFINITY) < oldest || goesWith.has(id)),
    );
    const removed: PrunedThing[] = [];
    const { audit, signal } = this.#options;
    const note = dryRun || candidates.length === 0 ? undefined : await audit.noteRemoval?.({ signal });
    for (let at = 0; at < candidates.length; at += BATCH) {
      const batch = candidates.slice(at, at + BATCH);
      const gone = dryRun ? batch : await this.#removeBatch(batch);
      removed.push(
        ...gone.map(({ location, size }) => ({
          reason: 'unreferenced' as const,
          location,
          bytes: size ?? 0,
        })),
      );
    }
    await note?.end();
    return removed;
  }

  /** What is named was looked at last just before this. */
  async #removeBatch(batch: readonly StoredContent[]): Promise<StoredContent[]> {
    this.#options.signal?.throwIfAborted();
    const taken: TakenContent[] = [];
    // From here on nothing may stop it before what is named is back.
    try {
      for (const content of batch.filter(({ id }) => !this.#named.has(id))) {
        const body = await openContent(content);
        if (body === undefined) continue;
        taken.push({ content, body });
      }
      await removeThings(taken.map(({ content }) => content));
      await this.#look();
    } catch (error) {
      await putBack(taken);
      throw error;
    }
    await putBack(taken.filter(({ content }) => this.#named.has(content.id)));
    const gone = taken.filter(({ content }) => !this.#named.has(content.id));
    for (const { body } of gone) await body.cancel();
    return gone.map(({ content }) => content);
  }

  /** Reads what was written since it was looked at last. */
  async #look(): Promise<void> {
    await this.protect(await this.#entries());
  }

  async #entries(): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = [];
    for await (const entry of this.#options.audit.entries()) entries.push(entry);
    return entries;
  }
}

/** False where somebody wrote it anew. */
async function isRemoved(entry: PackageEntry, options: RemoveOptions): Promise<boolean> {
  try {
    await entry.remove?.(options);
    return true;
  } catch (error) {
    if (error instanceof BuildcacheError && error.code === 'mirror-changed') return false;
    throw error;
  }
}

interface TakenContent {
  readonly content: StoredContent;
  /** Its bytes, which outlive its name. */
  readonly body: ReadableStream<Uint8Array>;
}

/** Without a signal, which would end the body, too. Undefined where another prune was faster. */
async function openContent(content: StoredContent): Promise<ReadableStream<Uint8Array> | undefined> {
  try {
    return (await content.open()).body;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** All of them, even if one cannot be written. */
async function putBack(taken: readonly TakenContent[]): Promise<void> {
  const failures: unknown[] = [];
  for (const { content, body } of taken)
    await content.restore?.(body).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

function stateOf({ location, size, modified }: AuditEntry): string {
  return `${location}\0${size}\0${modified}`;
}
