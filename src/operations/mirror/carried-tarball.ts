// The tarball of a package on its way to layout 3, as it is. Only one that is not gzip becomes gzip, since layout 3 has nothing else; with
// fflate, whose bytes are the same on every Node.
import { createHash } from 'node:crypto';
import { Gzip } from 'fflate';
import { copyBytes } from '../../core/bytes.js';
import { Decompressor } from '../../stream/decompress.js';
import type { Inflater } from '../../stream/inflate/inflater.js';

export interface CarriedTarballOptions {
  readonly inflater: Inflater;
  readonly write: (bytes: Uint8Array) => Promise<void>;
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
    return {
      sha256: this.#hash.digest('hex'),
      size: this.#size,
      recompressed: this.#path instanceof Recompressor,
    };
  }

  #decide(bytes: Uint8Array): void {
    const isGzip = GZIP_MAGIC.every((byte, i) => bytes[i] === byte);
    this.#path = isGzip ? 'as it is' : new Recompressor(this.#options.inflater);
  }

  #pass(chunk: Uint8Array): Promise<void> {
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

  constructor(inflater: Inflater) {
    const onOutput = (bytes: Uint8Array) => this.#gzip.push(copyBytes(bytes));
    this.#decompressor = new Decompressor({ inflater, onOutput });
  }

  push(chunk: Uint8Array): Uint8Array[] {
    this.#decompressor.push(chunk);
    return this.#take();
  }

  finish(): Uint8Array[] {
    this.#decompressor.finish();
    this.#gzip.push(new Uint8Array(0), true);
    return this.#take();
  }

  #take(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}
