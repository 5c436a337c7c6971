// Says whether the text rule finds a prefix in text that arrives in pieces (FORMATS.md §5 "text"): only then does a push list the file.
// The first match decides, so neither the order of the prefixes nor the length of a match matters.
import { concatBytes, EMPTY_BYTES } from '../../core/bytes.js';
import type { PrefixScanner } from '../engine.js';
import { isFreePlace } from './text-rules.js';

/** Prefixes to look for in text, with an engine's scanner. */
export interface ProbedPrefixes {
  readonly scanner: PrefixScanner;
  /** Length of the longest prefix in bytes. */
  readonly longest: number;
}

/** Bytes, and whether a match may begin at the first of them. */
interface TextPiece {
  readonly bytes: Uint8Array;
  readonly isFreeAtStart: boolean;
}

export class TextProbe {
  readonly #scanner: PrefixScanner;
  readonly #overlap: number;
  #found = false;
  /** The last bytes received, in which a prefix may have begun, and whether a match may begin at the first of them. */
  #tail: Uint8Array = EMPTY_BYTES;
  #isTailFree = true;

  constructor({ scanner, longest }: ProbedPrefixes) {
    this.#scanner = scanner;
    this.#overlap = Math.max(0, longest - 1);
  }

  /** Whether a match was found; if so, nothing more needs to be pushed. */
  get found(): boolean {
    return this.#found;
  }

  push(bytes: Uint8Array): void {
    if (this.#found || bytes.length === 0) return;
    const seam = concatBytes([this.#tail, bytes.subarray(0, this.#overlap)]);
    const isFree = isFreePlace(seam, { offset: this.#tail.length, isFreeAtStart: this.#isTailFree });
    const seamPiece: TextPiece = { bytes: seam, isFreeAtStart: this.#isTailFree };
    const piece: TextPiece = { bytes, isFreeAtStart: isFree };
    this.#found = this.#search(seamPiece) || this.#search(piece);
    this.#keepTail(bytes.length >= this.#overlap ? piece : seamPiece);
  }

  #search({ bytes, isFreeAtStart }: TextPiece): boolean {
    const hits = this.#scanner.scan(bytes);
    for (let i = 0; i < hits.length; i += 2)
      if (isFreePlace(bytes, { offset: hits[i] ?? 0, isFreeAtStart })) return true;
    return false;
  }

  #keepTail({ bytes, isFreeAtStart }: TextPiece): void {
    const start = Math.max(0, bytes.length - this.#overlap);
    this.#isTailFree = isFreePlace(bytes, { offset: start, isFreeAtStart });
    this.#tail = new Uint8Array(bytes.subarray(start));
  }
}
