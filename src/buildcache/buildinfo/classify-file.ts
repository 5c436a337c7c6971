// Classifies a file for relocation: binary, text, or neither; by its bytes, as `file --mime-type` does (FORMATS.md §4).
import { detectFileKind } from '../../binfmt/detect.js';
import { E_TYPE, ET_DYN, ET_EXEC } from '../../binfmt/elf/elf-format.js';
import { concatBytes, EMPTY_BYTES, toLatin1 } from '../../core/bytes.js';
import { isJsonText, LONGEST_JSON } from '../json-text.js';

export type FileClass = 'binary' | 'text' | 'other';

/** Tells what a file is from its bytes, in pieces. */
export interface ContentClassifier {
  /** False as soon as it is known that the file is no text. */
  readonly mayBeText: boolean;
  push(bytes: Uint8Array): void;
  finish(): FileClass;
}

/** How much `file` looks at to tell text from data. */
const HEAD_SIZE = 64 << 10;

/** Bytes that never occur in text. Anything above 7F may belong to some encoding. */
const NO_TEXT = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x07 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b) || byte === 0x7f),
);

/** Text-based formats that a path of another length would break, or that contain no paths: left alone. */
const OTHER_FORMATS: readonly RegExp[] = [
  /^\x04?%!/, // PostScript
  /^[\s\S]{0,256}%PDF-/,
  /^!<arch>\n/,
  /^07070[127]/, // cpio
  /^<svg/,
  /^<!DOCTYPE svg/,
  /^<\?xml version=[\s\S]{0,4096}?<(?:svg|!DOCTYPE svg)/,
];
const LONGEST_MAGIC = 8 << 10;
const JSON_START = /^[ \t\r\n]*[{[]/;

/** Takes the bytes of one file, in pieces. */
export class FileClassifier implements ContentClassifier {
  readonly #isObjectName: boolean;
  #head: Uint8Array = EMPTY_BYTES;
  #size = 0;
  #class: FileClass | undefined;
  /** The whole content of a file that may be JSON. */
  #json: Uint8Array[] | undefined;

  /** @param path - Mach-O objects are recognized by their name: `*.o`. */
  constructor(path: string) {
    this.#isObjectName = path.endsWith('.o');
  }

  /** False once the file is known not to be text. */
  get mayBeText(): boolean {
    return this.#class === undefined || this.#class === 'text';
  }

  /** Bytes that are kept are copied. */
  push(bytes: Uint8Array): void {
    const start = this.#size;
    this.#size += bytes.length;
    if (this.#class !== undefined) {
      this.#keepJson(bytes);
      return;
    }
    const part = bytes.subarray(0, HEAD_SIZE - start);
    this.#head = start === 0 && part.length === HEAD_SIZE ? part : concatBytes([this.#head, part]);
    if (this.#head.length < HEAD_SIZE) return;
    this.#decide();
    this.#keepJson(bytes.subarray(part.length));
  }

  #keepJson(bytes: Uint8Array): void {
    if (this.#size > LONGEST_JSON) this.#json = undefined;
    this.#json?.push(new Uint8Array(bytes));
  }

  finish(): FileClass {
    if (this.#class === undefined) this.#decide();
    const isJson = this.#json !== undefined && isJsonText(toLatin1(concatBytes(this.#json)));
    return isJson ? 'other' : (this.#class ?? 'other');
  }

  #decide(): void {
    this.#class = classifyHead(this.#head, { isObjectName: this.#isObjectName });
    const start = toLatin1(this.#head.subarray(0, LONGEST_MAGIC));
    if (this.#class === 'text' && JSON_START.test(start)) this.#json = [new Uint8Array(this.#head)];
    this.#head = EMPTY_BYTES;
  }
}

function classifyHead(head: Uint8Array, { isObjectName }: { readonly isObjectName: boolean }): FileClass {
  const kind = detectFileKind(head);
  if (kind === 'elf') return isLinkedElf(head) ? 'binary' : 'other';
  if (kind === 'macho') return isObjectName ? 'other' : 'binary';
  return isText(head) ? 'text' : 'other';
}

/** Programs and shared libraries; an object file has nothing to relocate. */
function isLinkedElf(head: Uint8Array): boolean {
  const [low, high] = head[5] === 2 ? [head[E_TYPE + 1], head[E_TYPE]] : [head[E_TYPE], head[E_TYPE + 1]];
  return high === 0 && (low === ET_EXEC || low === ET_DYN);
}

function isText(head: Uint8Array): boolean {
  if (head.length === 0) return false;
  // By index: with an iterator this loop alone takes a tenth of a push.
  for (let i = 0; i < head.length; i++) if (NO_TEXT[head[i] ?? 0] === 1) return false;
  const start = toLatin1(head.subarray(0, LONGEST_MAGIC));
  return !OTHER_FORMATS.some((format) => format.test(start));
}
