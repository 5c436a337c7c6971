// A binary that streams by, in windows: a seam as long as the longest match waits for the next one. What is done with them, and in which
// order, says `files/binary-steps.ts`; here is only what a stream adds.
import { DETECT_BYTES, detectFileKind } from '../../binfmt/detect.js';
import { applyEditsAt, type Edit } from '../../core/byte-source.js';
import { concatBytes, copyBytes, EMPTY_BYTES } from '../../core/bytes.js';
import { RelocationError } from '../../core/errors.js';
import { MemoryFile } from '../../core/memory-file.js';
import type { FileOrigin } from '../engine.js';
import type { BinaryRelocator } from '../files/binary-relocator.js';
import type { WindowSteps } from '../files/binary-steps.js';
import { isStringRefusal } from '../strings/string-refusal.js';

type Emit = (bytes: Uint8Array) => void;

const GROWTH_CHUNK = 1 << 20;

/** Like that of texts, but no library is a text. */
const MACHO_LIMIT = 256 << 20;

/** The bytes that are at hand, and where they are in the file. */
export interface BytesAtHand {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

export interface BinaryWindowsOptions {
  readonly relocator: BinaryRelocator;
  readonly origin: FileOrigin | undefined;
  /** The new names of an ELF file. */
  readonly edits: readonly Edit[];
  readonly name: string;
  /** After growth. */
  readonly size: number;
  /** Makes more of the error for a string that has no room. */
  readonly explain: (error: RelocationError, atHand: BytesAtHand) => RelocationError;
}

export class BinaryWindows {
  readonly #options: BinaryWindowsOptions;
  readonly #steps: WindowSteps;
  /** A Mach-O file, held as a whole: its signature, at the end, changes what stands before it. */
  #macho: Uint8Array[] | undefined;
  #held = 0;
  #window: Uint8Array = EMPTY_BYTES;
  /** Offset of the window in the file. */
  #offset = 0;
  #isKnown = false;
  isChanged: boolean;

  constructor(options: BinaryWindowsOptions) {
    this.#options = options;
    this.#steps = options.relocator.windowSteps(options.name, options.edits);
    this.isChanged = options.edits.length > 0;
  }

  push(chunk: Uint8Array, emit: Emit): void {
    if (this.#macho !== undefined) {
      this.#hold(this.#macho, chunk);
      return;
    }
    this.#window = concatBytes([this.#window, chunk]);
    if (!this.#isKnown && this.#window.length < DETECT_BYTES) return;
    this.#detect();
    if (this.#window.length > this.#steps.seam) this.#relocate({ isLast: false }, emit);
  }

  finish(emit: Emit): void {
    this.#detect();
    if (this.#macho !== undefined) {
      emit(this.#relocateMacho(concatBytes(this.#macho)));
      return;
    }
    if (this.#window.length > 0) this.#relocate({ isLast: true }, emit);
    const { edits, size } = this.#options;
    // What the file grows by holds new paths only, which may contain the old ones.
    while (this.#offset < size) {
      const bytes = new Uint8Array(Math.min(GROWTH_CHUNK, size - this.#offset));
      applyEditsAt(bytes, this.#offset, edits);
      emit(bytes);
      this.#offset += bytes.length;
    }
  }

  /** The first bytes say what the file is; they may come in pieces. */
  #detect(): void {
    if (this.#isKnown) return;
    this.#isKnown = true;
    if (detectFileKind(this.#window) !== 'macho') return;
    this.#macho = [];
    this.#hold(this.#macho, this.#window);
    this.#window = EMPTY_BYTES;
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
    const { name, origin, relocator } = this.#options;
    const file = new MemoryFile(bytes);
    const { edits, strings } = this.#explaining({ bytes, offset: 0 }, () =>
      relocator.relocate({ name, file, origin }),
    );
    this.isChanged = edits.length + strings > 0;
    return file.bytes;
  }

  #relocate({ isLast }: { readonly isLast: boolean }, emit: Emit): void {
    const atHand = { bytes: this.#window, offset: this.#offset };
    const { done, replaced } = this.#explaining(atHand, () => this.#steps.relocate({ ...atHand, isLast }));
    if (replaced > 0) this.isChanged = true;
    if (done > 0) emit(atHand.bytes.subarray(0, done));
    this.#window = atHand.bytes.subarray(done);
    this.#offset += done;
  }

  #explaining<Result>(atHand: BytesAtHand, run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      throw isStringRefusal(error) ? this.#options.explain(error, atHand) : error;
    }
  }
}
