// The tarball of a package on its way to another layout, as it is. Only one that is not gzip becomes gzip, and one whose archive the layout
// wants otherwise is written again; with fflate, whose bytes are the same on every Node.
import { createHash } from 'node:crypto';
import { Gzip } from 'fflate';
import { copyBytes } from '../../../core/bytes.js';
import { Decompressor } from '../../../stream/decompress.js';
import type { Inflater } from '../../../stream/inflate/inflater.js';

export interface CarriedTarballOptions {
  readonly inflater: Inflater;
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Makes another archive of the uncompressed one: then it is compressed anew in any case. */
  readonly rewrite?: ArchiveRewriter | undefined;
  /** Given the uncompressed archive, as it will be. */
  readonly onContent?: ((bytes: Uint8Array) => void) | undefined;
}

/** Gets an uncompressed archive piece by piece. */
export interface ArchiveRewriter {
  push(bytes: Uint8Array): Uint8Array[];
  finish(): Uint8Array[];
}

export interface CarriedResult {
  readonly sha256: string;
  readonly size: number;
  readonly recompressed: boolean;
}

const GZIP_MAGIC = [0x1f, 0x8b] as const;

export class CarriedTarball {
  readonly #options: CarriedTarballOptions;
  readonly #hash = createHash('sha256');
  #size = 0;
  /** The first byte, while it came alone. */
  #head: Uint8Array = new Uint8Array(0);
  #path: 'unknown' | 'as it is' | Recompressor = 'unknown';
  /** Of what stays as it is, for those who want to know the content. */
  #reader: Decompressor | undefined;

  constructor(options: CarriedTarballOptions) {
    this.#options = options;
  }

  /** Errors of decompression, and those of writing. */
  async push(chunk: Uint8Array): Promise<void> {
    if (this.#path !== 'unknown') return this.#pass(chunk);
    const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    if (bytes.length < GZIP_MAGIC.length) {
      this.#head = copyBytes(bytes);
      return;
    }
    this.#decide(bytes);
    await this.#pass(bytes);
  }

  async finish(): Promise<CarriedResult> {
    if (this.#path === 'unknown') this.#decide(this.#head);
    if (this.#path instanceof Recompressor) await this.#emit(this.#path.finish());
    this.#reader?.finish();
    return {
      sha256: this.#hash.digest('hex'),
      size: this.#size,
      recompressed: this.#path instanceof Recompressor,
    };
  }

  #decide(bytes: Uint8Array): void {
    const { inflater, rewrite, onContent } = this.#options;
    const isGzip = GZIP_MAGIC.every((byte, i) => bytes[i] === byte);
    if (!isGzip || rewrite !== undefined) this.#path = new Recompressor(this.#options);
    else {
      this.#path = 'as it is';
      if (onContent !== undefined) this.#reader = new Decompressor({ inflater, onOutput: onContent });
    }
  }

  #pass(chunk: Uint8Array): Promise<void> {
    this.#reader?.push(chunk);
    return this.#emit(this.#path instanceof Recompressor ? this.#path.push(chunk) : [chunk]);
  }

  async #emit(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      this.#hash.update(chunk);
      this.#size += chunk.length;
      await this.#options.write(chunk);
    }
  }
}

class Recompressor {
  #chunks: Uint8Array[] = [];
  readonly #gzip = new Gzip({ level: 6, mtime: 0 }, (chunk) => void this.#chunks.push(chunk));
  readonly #decompressor: Decompressor;
  readonly #options: Omit<CarriedTarballOptions, 'write'>;

  constructor(options: Omit<CarriedTarballOptions, 'write'>) {
    const { inflater, rewrite } = options;
    this.#options = options;
    const onOutput = (bytes: Uint8Array) => {
      for (const chunk of rewrite?.push(bytes) ?? [copyBytes(bytes)]) this.#compress(chunk);
    };
    this.#decompressor = new Decompressor({ inflater, onOutput });
  }

  push(chunk: Uint8Array): Uint8Array[] {
    this.#decompressor.push(chunk);
    return this.#take();
  }

  finish(): Uint8Array[] {
    this.#decompressor.finish();
    for (const chunk of this.#options.rewrite?.finish() ?? []) this.#compress(chunk);
    this.#gzip.push(new Uint8Array(0), true);
    return this.#take();
  }

  #compress(chunk: Uint8Array): void {
    this.#options.onContent?.(chunk);
    this.#gzip.push(chunk);
  }

  #take(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}
