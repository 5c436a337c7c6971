// Walks over JSON (RFC 8259) without building values: an index of 100,000 packages has hundreds of megabytes, of which a run needs
// a few records. It sees one window of the bytes at a time. What is skipped is checked for its nesting only; what is used goes through
// JSON.parse later.

import type { ByteSource } from '../../core/byte-source.js';
import { MetadataError } from '../../core/errors.js';

const LF = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
/** Set in a curly bracket, clear in the square one of the same kind. */
const CURLY = 0x20;

const DEFAULT_WINDOW = 1 << 20;
/** Names and scalars that are longer are refused. */
const LONGEST_TOKEN = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** A cursor over the bytes of one JSON document. */
export class JsonScanner {
  /** Offset of the next byte. */
  position = 0;
  readonly #source: ByteSource;
  readonly #name: string;
  readonly #windowSize: number;
  #window: Buffer = NOTHING;
  /** Offset of the first byte of the window. */
  #start = 0;

  /** @param name - how messages name the document. */
  constructor(source: ByteSource, name: string, windowSize = DEFAULT_WINDOW) {
    this.#source = source;
    this.#name = name;
    this.#windowSize = windowSize;
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
    return this.#byte() === OPEN_OBJECT;
  }

  /** The next bytes, as many as there are up to `length`, one character for each; nothing is consumed. */
  lookAhead(length: number): string {
    return this.#text(this.position, Math.min(this.position + length, this.#source.size));
  }

  /** The bytes that are held: at least `length` from the position on, which is `at`. `start` is the offset of the first. */
  window(length: number): { readonly bytes: Buffer; readonly at: number; readonly start: number } {
    const held = this.#start + this.#window.length - this.position;
    if (held < length && held < this.#source.size - this.position) this.#load(this.position, length);
    return { bytes: this.#window, at: this.position - this.#start, start: this.#start };
  }

  /** Skips a value. */
  skipValue(): void {
    this.#skipBlanks();
    const first = this.#byte();
    if (first === QUOTE) this.#skipString();
    else if (first === OPEN_OBJECT || first === OPEN_LIST) this.#skipNested();
    else this.#skipScalar();
  }

  /** Reads a value as the text it is written with; undefined for one that is longer than any scalar or short text. */
  readShortValue(): string | undefined {
    this.#skipBlanks();
    const start = this.position;
    this.skipValue();
    return this.position - start > LONGEST_TOKEN ? undefined : this.#text(start, this.position);
  }

  /** Refuses anything but white space from here on. */
  expectEnd(): void {
    this.#skipBlanks();
    if (this.position < this.#source.size) throw this.#syntax('there is something after the end');
  }

  #readKey(): string {
    this.#skipBlanks();
    const start = this.position;
    if (this.#byte() !== QUOTE) throw this.#syntax('a name is missing');
    this.#skipString();
    if (this.position - start > LONGEST_TOKEN) throw this.#syntax('a name is too long');
    const text = this.#text(start, this.position);
    // Almost every name is plain ASCII, which needs no decoding.
    if (/^"[ !#-[\]-~]*"$/.test(text)) return text.slice(1, -1);
    try {
      return JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as string;
    } catch {
      throw this.#syntax('a name is broken');
    }
  }

  /** One character per byte. */
  #text(start: number, end: number): string {
    if (start < this.#start || end > this.#start + this.#window.length) this.#load(start, end - start);
    return this.#window.toString('latin1', start - this.#start, end - this.#start);
  }

  /** Stands at the opening quote; goes behind the closing one. */
  #skipString(): void {
    this.position++;
    for (; this.#hasByte(); ) {
      const bytes = this.#window;
      const { length } = bytes;
      let i = this.position - this.#start;
      while (i < length) {
        const byte = bytes[i++];
        if (byte === QUOTE) {
          this.position = this.#start + i;
          return;
        }
        if (byte === BACKSLASH) i++;
      }
      this.position = this.#start + i;
    }
    throw this.#truncated();
  }

  /** Stands at an opening bracket; goes behind the matching one. Four fifths of the time for an index are spent here. */
  #skipNested(): void {
    let depth = 0;
    let inString = false;
    while (this.#hasByte()) {
      const bytes = this.#window;
      const { length } = bytes;
      let i = this.position - this.#start;
      while (i < length) {
        if (inString) {
          while (i < length) {
            const byte = bytes[i++];
            if (byte === QUOTE) {
              inString = false;
              break;
            }
            if (byte === BACKSLASH) i++;
          }
        } else {
          const byte = bytes[i++] ?? 0;
          if (byte === QUOTE) inString = true;
          else if ((byte | CURLY) === OPEN_OBJECT) depth++;
          else if ((byte | CURLY) === CLOSE_OBJECT && --depth === 0) {
            this.position = this.#start + i;
            return;
          }
        }
      }
      this.position = this.#start + i;
    }
    throw this.#truncated();
  }

  #skipScalar(): void {
    const start = this.position;
    // true, false, null and numbers are made of these.
    while (/[A-Za-z0-9+.-]/.test(String.fromCharCode(this.#byte() ?? 0))) this.position++;
    if (this.position === start) throw this.#syntax('a value is missing');
  }

  #expect(byte: number): void {
    if (!this.#consume(byte)) throw this.#syntax(`"${String.fromCharCode(byte)}" is missing`);
  }

  #consume(byte: number): boolean {
    this.#skipBlanks();
    if (this.#byte() !== byte) return false;
    this.position++;
    return true;
  }

  #skipBlanks(): void {
    let byte = this.#byte();
    while (byte === 0x20 || byte === LF || byte === 0x0d || byte === 0x09) {
      this.position++;
      byte = this.#byte();
    }
  }

  #byte(): number | undefined {
    const byte = this.#window[this.position - this.#start];
    if (byte !== undefined) return byte;
    return this.#hasByte() ? this.#window[this.position - this.#start] : undefined;
  }

  /** Makes sure that the window holds the next byte; false at the end. */
  #hasByte(): boolean {
    if (this.position < this.#start + this.#window.length && this.position >= this.#start) return true;
    if (this.position >= this.#source.size) return false;
    this.#load(this.position, 1);
    return this.#window.length > 0;
  }

  #load(start: number, length: number): void {
    const { buffer, byteOffset, length: held } = this.#source.read(start, Math.max(length, this.#windowSize));
    this.#window = Buffer.from(buffer, byteOffset, held);
    this.#start = start;
  }

  #syntax(reason: string): MetadataError {
    if (this.position >= this.#source.size) return this.#truncated();
    const offset = this.position;
    return new MetadataError(
      'metadata-syntax',
      `Cannot read "${this.#name}": ${reason} at offset ${offset}`,
      {
        data: { source: this.#name, offset, reason },
      },
    );
  }

  #truncated(): MetadataError {
    const offset = this.#source.size;
    return new MetadataError(
      'metadata-syntax',
      `Cannot read "${this.#name}": it ends early, after ${offset} bytes`,
      {
        data: { source: this.#name, offset },
      },
    );
  }
}
