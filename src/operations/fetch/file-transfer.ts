// Fetches one file of a package into a store. Where the store can keep the beginning of a file, a transfer goes on where another one was
// interrupted, even in another process.
import { createHash, type Hash } from 'node:crypto';
import { type ErrorCode, MirrorError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror, StoredFile } from '../../mirror/build-cache.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectWriter, OpenedObject, PendingObject } from '../../transport/object-store.js';
import { forEachChunk } from '../../transport/read-object.js';
import { requireDigest } from '../../transport/require-digest.js';
import { type HedgeOptions, openHedgedTarball } from './hedged-tarball.js';
import type { PackageOffer } from './package-offers.js';

export interface FileTaking {
  readonly spec: Spec;
  readonly request: {
    readonly mirrors: readonly Mirror[];
    readonly keyring: Keyring;
    readonly hedge?: HedgeOptions | undefined;
  };
  readonly writer: ObjectWriter;
  readonly options: OperationOptions;
  readonly offer: PackageOffer;
  readonly file: StoredFile;
  readonly isTarball: boolean;
}

export interface FileTransferOptions {
  /** Whether it is to begin at the beginning, and to take bytes from the mirror of the offer alone. */
  readonly isFresh: boolean;
}

/** Tarballs are limited only by the disk. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Another object than the one that was begun. */
const UNFIT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'mirror-changed',
  'mirror-range',
  'mirror-encoding',
]);

export class FileTransfer {
  readonly #taking: FileTaking;
  readonly #isFresh: boolean;
  #isPatchwork = false;

  constructor(taking: FileTaking, { isFresh }: FileTransferOptions) {
    this.#taking = taking;
    this.#isFresh = isFresh;
  }

  /** Whether the bytes came from several tries or mirrors. */
  get isPatchwork(): boolean {
    return this.#isPatchwork;
  }

  /**
   * Fetches, verifies and names the file; what a failing network left is kept for the next try.
   * @returns its size in bytes
   * @throws IntegrityError `checksum-mismatch`; MirrorError of both sides
   */
  async run(): Promise<number> {
    const { file, writer, options } = this.#taking;
    const { path, sha256 } = file;
    const mayGoOn = !this.#isFresh && file.openFrom !== undefined;
    const partOf = mayGoOn ? sha256 : undefined;
    const target = await writer.begin({ path, partOf, signal: options.signal });
    try {
      const bytes = await this.#fill(target, sha256);
      await target.prepare();
      await target.commit(path);
      return bytes;
    } catch (error) {
      if (isInterruption(error, options.signal)) await target.suspend?.();
      throw error;
    } finally {
      await target.discard();
    }
  }

  async #fill(target: PendingObject, expected: string | undefined): Promise<number> {
    const { spec, options, isTarball } = this.#taking;
    const { signal } = options;
    const onProgress = isTarball ? options.onProgress : undefined;
    const { name, hash } = spec.root;
    const digest = createHash('sha256');
    let bytes = await this.#takeUp(target, digest);
    const object = await this.#open(bytes);
    const size = object.size === undefined ? undefined : bytes + object.size;
    onProgress?.({ type: 'package-started', package: name, hash, size });
    await forEachChunk(object, { limit: NO_LIMIT, signal }, async (chunk) => {
      digest.update(chunk);
      bytes += chunk.length;
      await target.write(chunk);
      onProgress?.({ type: 'package-progress', package: name, hash, bytes, size, files: 0 });
    });
    requireDigest({ location: object.location, expected, actual: digest.digest('hex') });
    return bytes;
  }

  /** Brings the digest to where the kept part ends. */
  async #takeUp({ kept }: PendingObject, digest: Hash): Promise<number> {
    if (kept === undefined) return 0;
    this.#isPatchwork = true;
    for await (const chunk of kept.read()) digest.update(chunk);
    return kept.size;
  }

  #open(start: number): Promise<OpenedObject> {
    const { file, isTarball, offer, request, spec, options } = this.#taking;
    const { signal } = options;
    const isHedged = isTarball && !this.#isFresh && offer.description.unwrap === undefined;
    if (isHedged) {
      const onTakeover = () => {
        this.#isPatchwork = true;
      };
      return openHedgedTarball({ ...request, ...options, spec, offer, start, onTakeover });
    }
    if (start === 0) return file.open({ signal });
    if (file.openFrom === undefined) throw new TypeError('What cannot be read from a byte on is not kept');
    return file.openFrom(start, { signal });
  }
}

/** What says nothing against the bytes that are there. */
function isInterruption(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return true;
  return error instanceof MirrorError && !UNFIT.has(error.code);
}
