// Walks over JSON bytes (RFC 8259) without building values: an index of 100,000 packages has hundreds of megabytes, of which
// a run needs a few records. What is skipped is checked for its nesting only; what is used goes through JSON.parse later.

import { MetadataError } from '../core/errors.js';

const LF = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** A cursor over the bytes of one JSON document. */
export class JsonScanner {
  /** Offset of the next byte. */
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #source: string;

  constructor(bytes: Uint8Array, source: string) {
    this.#bytes = bytes;
    this.#source = source;
  }

  /** Calls `onMember` at the value of each member; what it does not consume is skipped. The object may be of any size. */
  readObject(onMember: (key: string) => void): void {
    this.#expect(OPEN_OBJECT);
    if (this.#consume(CLOSE_OBJECT)) return;
    do {
      const key = this.#readKey();
      this.#expect(COLON);
      this.#skipBlanks();
      const value = this.position;
      onMember(key);
      if (this.position === value) this.skipValue();
    } while (this.#consume(COMMA));
    this.#expect(CLOSE_OBJECT);
  }

  /** Tells whether an object starts here. */
  get atObject(): boolean {
    return this.#bytes[this.position] === OPEN_OBJECT;
  }

  /** Skips a value and returns its bytes. */
  skipValue(): Uint8Array {
    this.#skipBlanks();
    const start = this.position;
    const first = this.#bytes[start];
    if (first === QUOTE) this.position = this.#endOfString(start);
    else if (first === OPEN_OBJECT || first === OPEN_LIST) this.position = this.#endOfNested(start);
    else this.position = this.#endOfScalar(start);
    return this.#bytes.subarray(start, this.position);
  }

  /** Refuses anything but white space from here on. */
  expectEnd(): void {
    this.#skipBlanks();
    if (this.position < this.#bytes.length) throw this.#syntax('there is something after the end');
  }

  #readKey(): string {
    this.#skipBlanks();
    const start = this.position;
    if (this.#bytes[start] !== QUOTE) throw this.#syntax('a name is missing');
    this.position = this.#endOfString(start);
    const text = this.#text(start, this.position);
    if (!text.includes('\\')) return text.slice(1, -1);
    try {
      return JSON.parse(text) as string;
    } catch {
      throw this.#syntax('a name is broken');
    }
  }

  #text(start: number, end: number): string {
    const bytes = this.#bytes;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  }

  /** `start` is at the opening quote; returns the offset behind the closing one. */
  #endOfString(start: number): number {
    const bytes = this.#bytes;
    const length = bytes.length;
    for (let i = start + 1; i < length; i++) {
      const byte = bytes[i];
      if (byte === QUOTE) return i + 1;
      if (byte === BACKSLASH) i++;
    }
    throw this.#truncated();
  }

  /** `start` is at an opening bracket; returns the offset behind the matching one. */
  #endOfNested(start: number): number {
    const bytes = this.#bytes;
    const length = bytes.length;
    let depth = 0;
    for (let i = start; i < length; i++) {
      const byte = bytes[i];
      if (byte === QUOTE) i = this.#endOfString(i) - 1;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --depth === 0) return i + 1;
    }
    throw this.#truncated();
  }

  #endOfScalar(start: number): number {
    const bytes = this.#bytes;
    let end = start;
    // true, false, null and numbers are made of these.
    while (end < bytes.length && /[A-Za-z0-9+.-]/.test(String.fromCharCode(bytes[end] ?? 0))) end++;
    if (end === start) throw this.#syntax('a value is missing');
    return end;
  }

  #expect(byte: number): void {
    if (!this.#consume(byte)) throw this.#syntax(`"${String.fromCharCode(byte)}" is missing`);
  }

  #consume(byte: number): boolean {
    this.#skipBlanks();
    if (this.#bytes[this.position] !== byte) return false;
    this.position++;
    return true;
  }

  #skipBlanks(): void {
    const bytes = this.#bytes;
    let byte = bytes[this.position];
    while (byte === 0x20 || byte === LF || byte === 0x0d || byte === 0x09) byte = bytes[++this.position];
  }

  #syntax(reason: string): MetadataError {
    if (this.position >= this.#bytes.length) return this.#truncated();
    const offset = this.position;
    return new MetadataError(
      'metadata-syntax',
      `Cannot read "${this.#source}": ${reason} at offset ${offset}`,
      {
        data: { source: this.#source, offset, reason },
      },
    );
  }

  #truncated(): MetadataError {
    const offset = this.#bytes.length;
    return new MetadataError(
      'metadata-syntax',
      `Cannot read "${this.#source}": it ends early, after ${offset} bytes`,
      {
        data: { source: this.#source, offset },
      },
    );
  }
}
