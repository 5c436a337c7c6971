// A binary that streams by, in windows: names first, then C strings; a seam as long as the longest match waits for the next window.
import { detectFileKind } from '../binfmt/detect.js';
import type { Edit } from '../core/byte-source.js';
import { concatBytes, copyBytes } from '../core/bytes.js';
import { RelocationError } from '../core/errors.js';
import { coverEdits } from './covered-edits.js';
import type { CStringReplacer, FileOrigin, MachoPatcher, PrefixMapping } from './engine.js';
import { relocateMachoBytes } from './macho-bytes.js';
import { namingFile } from './naming-file.js';
import { isStringRefusal } from './string-refusal.js';

type Emit = (bytes: Uint8Array) => void;

const GROWTH_CHUNK = 1 << 20;

/** Like that of texts, but no library is a text. */
const MACHO_LIMIT = 256 << 20;

export interface BinaryWindowsOptions {
  readonly strings: CStringReplacer;
  /** For names, as the patcher has it. */
  readonly mapping: PrefixMapping;
  readonly patcher: MachoPatcher;
  readonly origin: FileOrigin | undefined;
  readonly edits: readonly Edit[];
  readonly name: string;
  /** After growth. */
  readonly size: number;
  /** Makes more of the error for a string that has no room, which is at `data.offset` of a window that is at `offset` of the file. */
  readonly explain: (error: RelocationError, window: Uint8Array, offset: number) => RelocationError;
}

export class BinaryWindows {
  readonly #options: BinaryWindowsOptions;
  /** What the C string rule sees. */
  readonly #covered: readonly Edit[];
  /** A Mach-O file, held as a whole: its signature, at the end, changes what stands before it. */
  #macho: Uint8Array[] | undefined;
  #held = 0;
  #window: Uint8Array = new Uint8Array(0);
  /** Offset of the window in the file. */
  #offset = 0;
  isChanged = false;

  constructor(options: BinaryWindowsOptions) {
    this.#options = options;
    this.#covered = coverEdits(options.edits, options.mapping);
  }

  push(chunk: Uint8Array, emit: Emit): void {
    if (this.#offset + this.#window.length === 0 && detectFileKind(chunk) === 'macho') this.#macho ??= [];
    if (this.#macho !== undefined) {
      this.#hold(this.#macho, chunk);
      return;
    }
    const at = this.#offset + this.#window.length;
    const bytes = concatBytes([this.#window, chunk]);
    this.#window = bytes;
    this.#apply(this.#covered, bytes.subarray(at - this.#offset), at);
    if (bytes.length > this.#options.strings.seam) this.#replace(false, emit);
  }

  finish(emit: Emit): void {
    if (this.#macho !== undefined) {
      emit(this.#relocateMacho(concatBytes(this.#macho)));
      return;
    }
    if (this.#window.length > 0) this.#replace(true, emit);
    const { edits, size } = this.#options;
    // What the file grows by holds new paths only, which may contain the old ones.
    while (this.#offset < size) {
      const bytes = new Uint8Array(Math.min(GROWTH_CHUNK, size - this.#offset));
      this.#apply(edits, bytes, this.#offset);
      emit(bytes);
      this.#offset += bytes.length;
    }
  }

  #hold(chunks: Uint8Array[], chunk: Uint8Array): void {
    this.#held += chunk.length;
    if (this.#held > MACHO_LIMIT) {
      throw new RelocationError(
        'macho-unsupported',
        `Cannot relocate "${this.#options.name}" in a stream: it is too large`,
        {
          hint: 'Install it through the core',
          data: { path: this.#options.name, limit: MACHO_LIMIT },
        },
      );
    }
    chunks.push(copyBytes(chunk));
  }

  #relocateMacho(bytes: Uint8Array): Uint8Array {
    const { name } = this.#options;
    this.isChanged = namingFile(name, () =>
      this.#explaining(bytes, () => relocateMachoBytes(bytes, this.#options)),
    );
    return bytes;
  }

  #replace(isLast: boolean, emit: Emit): void {
    const window = this.#window;
    const { name, strings, edits } = this.#options;
    const replace = () => strings.replace(window, { start: 0, isLast });
    const { next, replaced } = namingFile(name, () => this.#explaining(window, replace), this.#offset);
    if (replaced > 0) this.isChanged = true;
    const end = isLast ? window.length : next;
    if (this.#covered !== edits) this.#apply(edits, window.subarray(0, end), this.#offset);
    if (end > 0) emit(window.subarray(0, end));
    this.#window = window.subarray(end);
    this.#offset += end;
  }

  #explaining<Result>(window: Uint8Array, run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      throw isStringRefusal(error) ? this.#options.explain(error, window, this.#offset) : error;
    }
  }

  /** Writes what edits say of the bytes that stand at `at` in the file. */
  #apply(edits: readonly Edit[], bytes: Uint8Array, at: number): void {
    for (const edit of edits) {
      const from = Math.max(edit.offset, at);
      const to = Math.min(edit.offset + edit.bytes.length, at + bytes.length);
      if (from >= to) continue;
      bytes.set(edit.bytes.subarray(from - edit.offset, to - edit.offset), from - at);
      this.isChanged = true;
    }
  }
}
