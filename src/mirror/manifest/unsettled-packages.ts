// Packages whose blobs were not looked for after their manifests, as `writeNamedBlobs` wants it. That is made up for here, several of them
// together, and costs one request where no prune removed anything since before their blobs were written or found (`removal-notes.ts`).
// A run that is killed before that leaves what one leaves that is killed before its looks; so they do not wait for long.
import type { WithSignal } from '../../core/with-signal.js';
import type { DagHash } from '../../spec/spec.js';
import type { ObjectLister, ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { Blobs } from './blobs.js';
import { lookForRemovals, type RemovalLook } from './removal-notes.js';
import type { NewBlob } from './write-named-blobs.js';

/** Milliseconds. The packages of a fast push wait for its end. */
const LONGEST_WAIT = 10_000;

export interface UnsettledPackage {
  readonly hash: DagHash;
  readonly manifestPath: string;
  readonly blobs: readonly Pick<NewBlob, 'record'>[];
  /** From before its blobs were written or found; nobody was removing anything. */
  readonly before: RemovalLook;
}

export interface UnsettledPackagesOptions {
  readonly store: ObjectStore;
  readonly writer: ObjectWriter;
  /** The clock, in milliseconds. */
  readonly now?: (() => number) | undefined;
}

export class UnsettledPackages {
  readonly #store: ObjectStore;
  readonly #writer: ObjectWriter;
  readonly #lister: ObjectLister | undefined;
  readonly #now: () => number;
  #latest: Promise<RemovalLook | undefined> | undefined;
  #lookedAt = 0;
  #waiting: UnsettledPackage[] = [];
  readonly #lost = new Set<DagHash>();

  constructor({ store, writer, now = () => performance.now() }: UnsettledPackagesOptions) {
    this.#store = store;
    this.#writer = writer;
    // Without a network, to look for blobs costs nothing.
    this.#lister = store.isLocal ? undefined : store.lister;
    this.#now = now;
  }

  /** To be asked before the blobs of a package are written or found; undefined where its blobs must be looked for at once. */
  async before({ signal }: WithSignal = {}): Promise<RemovalLook | undefined> {
    this.#latest ??= this.#look(signal).catch((error: unknown) => {
      this.#latest = undefined;
      throw error;
    });
    const look = await this.#latest;
    return look?.isRunning ? undefined : look;
  }

  /** Takes a package whose manifest was written. */
  async add(added: UnsettledPackage): Promise<void> {
    this.#waiting.push(added);
    // What fails here is tried again at the end.
    if (this.#now() - this.#lookedAt > LONGEST_WAIT) await this.#settleWaiting().catch(() => {});
  }

  /**
   * Looks whether those that wait are whole, and removes the manifests of those that are not.
   * @returns the packages that are gone, also those that were found before
   */
  async settle(): Promise<readonly DagHash[]> {
    await this.#settleWaiting();
    const lost = [...this.#lost];
    this.#lost.clear();
    return lost;
  }

  async #settleWaiting(): Promise<void> {
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    try {
      this.#latest = this.#look(undefined);
      const look = await this.#latest;
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        if (look?.isQuietSince(next.before) !== true) await this.#requireWhole(next);
        waiting.shift();
      }
    } finally {
      this.#waiting.push(...waiting);
    }
  }

  async #look(signal: AbortSignal | undefined): Promise<RemovalLook | undefined> {
    this.#lookedAt = this.#now();
    return this.#lister && lookForRemovals(this.#lister, { signal });
  }

  async #requireWhole({ hash, manifestPath, blobs }: UnsettledPackage): Promise<void> {
    for (const { record } of blobs)
      if (!(await new Blobs(this.#store).has(record))) {
        await this.#writer.remove(manifestPath);
        this.#lost.add(hash);
        return;
      }
  }
}
