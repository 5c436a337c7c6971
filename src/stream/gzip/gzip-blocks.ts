// One gzip member out of independently compressed blocks of 1 MiB (RFC 1952): the same bytes for any number of cores, 0.2 % larger than
// in one piece. Digests of both sides are computed on the way; what is in memory is bounded by the pool of blocks.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { concatBytes } from '../../core/bytes.js';
import type { ContentSink, WrittenContent } from '../content-sink.js';
import type { BlockCompressor, BlockToCompress } from './block-compressor.js';
import type { BlockPool } from './block-pool.js';

export interface GzipBlocksOptions {
  readonly compressor: BlockCompressor;
  readonly pool: BlockPool;
  /** Takes the compressed bytes, in order, one piece at a time. */
  readonly onOutput: (bytes: Uint8Array) => Promise<void>;
}

/** No name, no time, unknown system (FORMATS.md §3). */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/**
 * Takes bytes, gives a gzip member.
 * @example
 * const gzip = new GzipBlocks({ compressor, pool, onOutput: (bytes) => writer.write(bytes) });
 * await gzip.write(bytes);
 * const { sha256 } = await gzip.finish();
 */
export class GzipBlocks implements ContentSink {
  readonly #options: GzipBlocksOptions;
  readonly #hash = createHash('sha256');
  readonly #contentHash = createHash('sha256');
  readonly #pending: Promise<Uint8Array>[] = [];
  #size = 0;
  #contentSize = 0;
  #crc = 0;
  #block: ArrayBuffer | undefined;
  #filled = 0;
  #isBegun = false;

  constructor(options: GzipBlocksOptions) {
    this.#options = options;
  }

  get contentSize(): number {
    return this.#contentSize + this.#filled;
  }

  get size(): number {
    return this.#size;
  }

  async space(): Promise<Uint8Array> {
    this.#block ??= await this.#options.pool.take();
    return new Uint8Array(this.#block, this.#filled);
  }

  async advance(length: number): Promise<void> {
    this.#filled += length;
    if (this.#block !== undefined && this.#filled === this.#block.byteLength) await this.#submit('more');
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      const space = await this.space();
      const piece = bytes.subarray(offset, offset + space.length);
      space.set(piece);
      offset += piece.length;
      await this.advance(piece.length);
    }
  }

  async writeZeros(count: number): Promise<void> {
    if (count > 0) await this.write(new Uint8Array(count));
  }

  /** Ends the member; everything has been given out then. */
  async finish(): Promise<WrittenContent> {
    await this.space();
    await this.#submit('last');
    while (this.#pending.length > 0) await this.#emitNext();
    const trailer = new Uint8Array(8);
    const view = new DataView(trailer.buffer);
    view.setUint32(0, this.#crc, true);
    view.setUint32(4, this.#contentSize % 2 ** 32, true);
    await this.#emit(trailer);
    return {
      sha256: this.#hash.digest('hex'),
      size: this.#size,
      contentSha256: this.#contentHash.digest('hex'),
      contentSize: this.#contentSize,
    };
  }

  async abandon(): Promise<void> {
    if (this.#block !== undefined) this.#options.pool.give(this.#block);
    this.#block = undefined;
    await Promise.allSettled(this.#pending.splice(0));
  }

  async #submit(place: 'more' | 'last'): Promise<void> {
    const memory = this.#block;
    if (memory === undefined) return;
    const length = this.#filled;
    const content = new Uint8Array(memory, 0, length);
    this.#crc = crc32(content, this.#crc);
    this.#contentHash.update(content);
    this.#contentSize += length;
    this.#block = undefined;
    this.#filled = 0;
    const compressed = this.#compress({ memory, length, isLast: place === 'last' });
    compressed.catch(() => {}); // told when its turn comes
    this.#pending.push(compressed);
    if (this.#pending.length >= 2 * this.#options.compressor.parallelism) await this.#emitNext();
  }

  async #compress(block: BlockToCompress): Promise<Uint8Array> {
    const { compressor, pool } = this.#options;
    try {
      const result = await compressor.compress(block);
      pool.give(result.memory);
      return result.compressed;
    } catch (error) {
      pool.give(undefined);
      throw error;
    }
  }

  async #emitNext(): Promise<void> {
    const compressed = await this.#pending.shift();
    if (compressed === undefined) return;
    const bytes = this.#isBegun ? compressed : concatBytes([HEADER, compressed]);
    this.#isBegun = true;
    await this.#emit(bytes);
  }

  async #emit(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    await this.#options.onOutput(bytes);
  }
}
