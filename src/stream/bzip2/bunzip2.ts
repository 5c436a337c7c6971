// A bzip2 decoder for old archives (layout 0 of a build cache has .tar.bz2): several streams, every checksum verified.
// Memory is that of one block. What follows the last stream is ignored and counted.
import { IntegrityError } from '../../core/errors.js';
import type { DecoderOptions, PushDecoder } from '../push-decoder.js';
import { BitReader } from './bit-reader.js';
import { Bzip2Block, invalidBzip2, type Resumable } from './bzip2-block.js';

const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
const STREAM_MAGIC = [0x42, 0x5a, 0x68]; // "BZh", then the size of a block in 100,000 bytes

/**
 * Decodes bzip2 streams one after the other.
 *
 * Throws IntegrityError `bzip2-invalid`, `bzip2-truncated`.
 */
export class Bunzip2Decoder implements PushDecoder {
  readonly #onOutput: (bytes: Uint8Array) => void;
  /** Its streams carry their checksums inside: nothing of that can be left to others. */
  readonly segmentCount = 0;
  readonly #bits = new BitReader();
  readonly #run: Resumable<void>;
  #block: Bzip2Block | undefined;
  #streamCount = 0;
  /** Bytes of a stream header that is being read. */
  #headerSize = 0;
  #isBetween = true;
  #isStopped = false;
  #ignoredBytes = 0;
  #failure: unknown;

  constructor({ onOutput }: Pick<DecoderOptions, 'onOutput'>) {
    this.#onOutput = onOutput;
    this.#run = this.#decode();
  }

  get ignoredBytes(): number {
    return this.#ignoredBytes + (this.#streamCount > 0 ? this.#headerSize : 0);
  }

  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isStopped && this.#isBetween && this.#streamCount > 0) {
      this.#ignoredBytes += chunk.length;
      return;
    }
    this.#bits.push(chunk);
    try {
      this.#run.next();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#ignoredBytes += this.#bits.unusedBytes; // nothing is left over unless the decoder has returned
  }

  stop(): void {
    this.#isStopped = true;
  }

  finish(): void {
    if (this.#isBetween && this.#streamCount > 0) return;
    throw new IntegrityError('bzip2-truncated', 'Cannot decompress bzip2 data: it ends within a stream', {
      hint: 'The file is not complete: fetch it again',
      data: { streamCount: this.#streamCount },
    });
  }

  *#decode(): Resumable<void> {
    for (;;) {
      const level = yield* this.#readStreamHeader();
      if (level === undefined) return;
      this.#isBetween = false;
      yield* this.#readStream(level * 100_000);
      this.#bits.align();
      this.#streamCount++;
      this.#isBetween = true;
      if (this.#isStopped) return;
    }
  }

  /** The level, or undefined where no other stream begins. */
  *#readStreamHeader(): Resumable<number | undefined> {
    for (;;) {
      while (!this.#bits.need(8)) yield;
      const byte = this.#bits.take(8);
      const level = byte - 0x30;
      const isPart =
        this.#headerSize < 3 ? byte === STREAM_MAGIC[this.#headerSize] : level >= 1 && level <= 9;
      this.#headerSize++;
      if (isPart && this.#headerSize <= 3) continue;
      if (!isPart && this.#streamCount === 0) throw invalidBzip2('it does not begin with a bzip2 header');
      if (!isPart) this.#ignoredBytes += this.#headerSize;
      this.#headerSize = 0;
      return isPart ? level : undefined;
    }
  }

  *#readStream(blockSize: number): Resumable<void> {
    if (this.#block === undefined || this.#block.capacity < blockSize)
      this.#block = new Bzip2Block(blockSize);
    let combined = 0;
    for (;;) {
      const magic = yield* this.#readNumber(6);
      const expected = yield* this.#readNumber(4);
      if (magic === END_MAGIC) {
        if (expected !== combined) throw invalidBzip2('the checksum of a stream does not match');
        return;
      }
      if (magic !== BLOCK_MAGIC) throw invalidBzip2('what follows a block is none');
      yield* this.#block.read(this.#bits);
      const crc = this.#block.unpack(this.#onOutput);
      if (crc !== expected) throw invalidBzip2('the checksum of a block does not match');
      combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
    }
  }

  *#readNumber(byteCount: number): Resumable<number> {
    let value = 0;
    for (let i = 0; i < byteCount; i++) {
      while (!this.#bits.need(8)) yield;
      value = value * 256 + this.#bits.take(8);
    }
    return value;
  }
}
