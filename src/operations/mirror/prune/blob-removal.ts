// Removes blobs that nothing names. A push may name one at any moment, so each is removed with its bytes in hand: what is named
// afterwards is written back.
import type { AuditEntry, CacheAudit, PackageEntry, StoredContent } from '../../../mirror/cache-audit.js';
import { isNotFound } from '../../../transport/read-object.js';
import type { JudgedPackage } from './judge-package.js';
import type { PrunedThing } from './pruned-thing.js';

export interface BlobRemovalOptions {
  readonly audit: CacheAudit;
  readonly contents: ReadonlyMap<string, StoredContent>;
  /** Blobs that were written later stay, unless they belong to a package that goes. */
  readonly oldest: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Blobs that are removed before the manifests are looked at again; each holds a file open. */
const BATCH = 64;

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
      this.#read.add(key);
    }
  }

  /** Removes manifests, but none that somebody wrote anew meanwhile. */
  async removeEntries(entries: readonly PackageEntry[]): Promise<ReadonlySet<PackageEntry>> {
    const { signal, dryRun } = this.#options;
    const removed = new Set<PackageEntry>();
    for (const entry of entries) this.#read.add(stateOf(entry));
    if (dryRun) return new Set(entries);
    for (let at = 0; at < entries.length; at += BATCH) {
      const current = new Set((await this.#entries()).map(stateOf));
      for (const entry of entries.slice(at, at + BATCH)) {
        signal?.throwIfAborted();
        if (!current.has(stateOf(entry))) continue;
        await entry.remove?.({ signal });
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
    return removed;
  }

  async #removeBatch(batch: readonly StoredContent[]): Promise<StoredContent[]> {
    const { signal } = this.#options;
    await this.#look();
    const taken: { content: StoredContent; body: ReadableStream<Uint8Array> }[] = [];
    for (const content of batch.filter(({ id }) => !this.#named.has(id))) {
      const opened = await content.open({ signal }).catch((error: unknown) => {
        if (isNotFound(error)) return undefined; // another prune was faster
        throw error;
      });
      if (opened === undefined) continue;
      taken.push({ content, body: opened.body });
      await content.remove?.({ signal });
    }
    // From here on nothing may stop it before what is named is back.
    try {
      await this.#look();
    } catch (error) {
      for (const { content, body } of taken) await content.restore?.(body);
      throw error;
    }
    const gone: StoredContent[] = [];
    for (const { content, body } of taken) {
      if (this.#named.has(content.id)) await content.restore?.(body);
      else {
        await body.cancel();
        gone.push(content);
      }
    }
    return gone;
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

function stateOf({ location, size, modified }: AuditEntry): string {
  return `${location}\0${size}\0${modified}`;
}
