// Reads the header of one gzip member (RFC 1952 §2.3) from pieces that may end anywhere.
import { crc32 } from 'node:zlib';

const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;
const RESERVED = 0xe0;
const FIXED_PART = [0x1f, 0x8b, 8];
const FIXED_SIZE = 10;

/** What is wrong with a header. */
export type GzipHeaderProblem = 'magic' | 'method' | 'flags' | 'crc';

type Part = 'fixed' | 'extra-length' | 'extra' | 'name' | 'comment' | 'crc' | 'done';

/** Skips over a gzip header; nothing but its flags is kept, however long its fields are. */
export class GzipHeaderReader {
  #part: Part = 'fixed';
  /** Bytes of the current part seen so far, and those of them that matter as a little endian number. */
  #seen = 0;
  #value = 0;
  #flags = 0;
  #extraLength = 0;
  #crc = 0;
  #problem: GzipHeaderProblem | undefined;

  get isDone(): boolean {
    return this.#part === 'done';
  }

  /** Set as soon as a byte cannot be part of a header. */
  get problem(): GzipHeaderProblem | undefined {
    return this.#problem;
  }

  /** Reads on from `start`; returns the offset of the first byte that it did not take. */
  read(bytes: Uint8Array, start: number): number {
    let offset = start;
    let hashed = start;
    while (offset < bytes.length && this.#part !== 'done' && this.#problem === undefined) {
      if (this.#part === 'crc' && this.#seen === 0) {
        this.#crc = crc32(bytes.subarray(hashed, offset), this.#crc);
        hashed = offset;
      }
      offset = this.#part === 'extra' ? this.#skipExtra(bytes, offset) : this.#readByte(bytes, offset);
    }
    if (this.#part !== 'crc' || this.#seen === 0)
      this.#crc = crc32(bytes.subarray(hashed, offset), this.#crc);
    return offset;
  }

  #readByte(bytes: Uint8Array, offset: number): number {
    const byte = bytes[offset] as number;
    this.#seen++;
    switch (this.#part) {
      case 'fixed':
        this.#readFixed(byte);
        break;
      case 'name':
      case 'comment':
        if (byte === 0) this.#nextPart();
        break;
      default:
        this.#readNumber(byte);
    }
    return offset + 1;
  }

  #readFixed(byte: number): void {
    const index = this.#seen - 1;
    if (index < FIXED_PART.length && byte !== FIXED_PART[index])
      this.#problem = index < 2 ? 'magic' : 'method';
    if (index === 3) {
      this.#flags = byte;
      if (byte & RESERVED) this.#problem = 'flags';
    }
    if (this.#seen === FIXED_SIZE) this.#nextPart();
  }

  /** The two parts that are a number of 16 bits. */
  #readNumber(byte: number): void {
    this.#value |= byte << (8 * (this.#seen - 1));
    if (this.#seen < 2) return;
    if (this.#part === 'extra-length') this.#extraLength = this.#value;
    else if (this.#value !== (this.#crc & 0xffff)) this.#problem = 'crc';
    this.#nextPart();
  }

  #skipExtra(bytes: Uint8Array, offset: number): number {
    const count = Math.min(this.#extraLength - this.#seen, bytes.length - offset);
    this.#seen += count;
    if (this.#seen === this.#extraLength) this.#nextPart();
    return offset + count;
  }

  #nextPart(): void {
    this.#seen = 0;
    this.#value = 0;
    this.#part = this.#partAfter(this.#part);
  }

  #partAfter(part: Part): Part {
    const order: readonly (readonly [Part, boolean])[] = [
      ['fixed', true],
      ['extra-length', (this.#flags & FEXTRA) !== 0],
      ['extra', this.#extraLength > 0],
      ['name', (this.#flags & FNAME) !== 0],
      ['comment', (this.#flags & FCOMMENT) !== 0],
      ['crc', (this.#flags & FHCRC) !== 0],
      ['done', true],
    ];
    const index = order.findIndex(([name]) => name === part);
    return order.slice(index + 1).find(([, isPresent]) => isPresent)?.[0] ?? 'done';
  }
}
