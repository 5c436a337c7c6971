// What a file is to relocation as Spack 1.x sees it (FORMATS.md §4): a binary by its magic, a text when it is UTF-8 or looks like
// Latin-1, however long it is.
import { isUtf8 } from 'node:buffer';
import { concatBytes, EMPTY_BYTES } from '../../core/bytes.js';
import type { ContentClassifier, FileClass } from './classify-file.js';

/** Shorter files are nothing. */
const HEAD_SIZE = 8;
const ELF_MAGIC = 0x7f454c46;
const MACHO_MAGICS: ReadonlySet<number> = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe]);
const FAT_MAGIC = 0xcafebabe;
const SWAPPED_FAT_MAGIC = 0xbebafeca;
/** From here on the word after the magic is a Java class file's version. */
const FIRST_JAVA_VERSION = 10;
const LONGEST_CHARACTER = 4;
/** What no Latin-1 text has. */
const NO_LATIN_1 = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte === 0 || (byte >= 0x7f && byte <= 0x9f)),
);

/** Takes the bytes of one file, in pieces. */
export class Spack1Classifier implements ContentClassifier {
  #head: Uint8Array = EMPTY_BYTES;
  #isBinary = false;
  #isUtf8 = true;
  #isLatin1 = true;
  /** The beginning of a character that goes on in the next piece. */
  #partial: Uint8Array = EMPTY_BYTES;

  /** False as soon as it is known that the file is no text. */
  get mayBeText(): boolean {
    return !this.#isBinary && (this.#isUtf8 || this.#isLatin1);
  }

  push(bytes: Uint8Array): void {
    if (this.#head.length < HEAD_SIZE) this.#readHead(bytes);
    if (!this.mayBeText) return;
    if (this.#isLatin1) this.#isLatin1 = isLatin1(bytes);
    if (this.#isUtf8) this.#checkUtf8(bytes);
  }

  finish(): FileClass {
    if (this.#head.length < HEAD_SIZE) return 'other';
    if (this.#isBinary) return 'binary';
    if (this.#partial.length > 0) this.#isUtf8 = false;
    return this.#isUtf8 || this.#isLatin1 ? 'text' : 'other';
  }

  #readHead(bytes: Uint8Array): void {
    this.#head = concatBytes([this.#head, bytes.subarray(0, HEAD_SIZE - this.#head.length)]);
    this.#isBinary = this.#head.length === HEAD_SIZE && isBinaryMagic(this.#head);
  }

  #checkUtf8(bytes: Uint8Array): void {
    const piece = this.#partial.length === 0 ? bytes : concatBytes([this.#partial, bytes]);
    const end = piece.length - partialLength(piece);
    this.#isUtf8 = isUtf8(piece.subarray(0, end));
    this.#partial = new Uint8Array(piece.subarray(end));
  }
}

function isBinaryMagic(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const magic = view.getUint32(0);
  if (magic === ELF_MAGIC || MACHO_MAGICS.has(magic)) return true;
  if (magic !== FAT_MAGIC && magic !== SWAPPED_FAT_MAGIC) return false;
  return view.getUint32(4, magic === SWAPPED_FAT_MAGIC) < FIRST_JAVA_VERSION;
}

function isLatin1(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (NO_LATIN_1[bytes[i] ?? 0] === 1) return false;
  return true;
}

/** How many bytes at the end may be the beginning of a character; what they are worth shows with those that follow. */
function partialLength(bytes: Uint8Array): number {
  for (let back = 1; back < LONGEST_CHARACTER && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < characterLength(byte) ? back : 0;
  }
  return 0;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}
