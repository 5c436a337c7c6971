// Replaces prefixes in text of any size, cut after newlines. A cut there is exact: a newline is in no prefix, ends every
// tail, and may stand left of a match (FORMATS §5 "text").
import { concatBytes } from '../../core/bytes.js';
import type { TextReplacer } from '../engine.js';
import { TEXT_LIMIT, textTooLarge } from './text-rules.js';

const NEWLINE = 0x0a;

/** A piece of the result, and whether anything was replaced in it. */
export interface TextPiece {
  readonly bytes: Uint8Array;
  readonly replaced: boolean;
}

/**
 * Replaces chunk by chunk; the pieces in order are the new text. A piece is valid until the next one is asked for.
 * @param chunks the text, cut anywhere; a chunk is not used any more once the next one is asked for
 * @param limit how many bytes of one line are buffered, at most 64 MiB
 * @throws RelocationError `text-too-large`
 */
export function* replaceTextChunks(
  replacer: TextReplacer,
  chunks: Iterable<Uint8Array>,
  limit: number = TEXT_LIMIT,
): Generator<TextPiece, void, undefined> {
  const line = new OpenLine(limit);
  for (const chunk of chunks) {
    const cut = chunk.lastIndexOf(NEWLINE) + 1;
    if (cut > 0) yield replacePiece(replacer, line.close(chunk.subarray(0, cut)));
    line.add(chunk.subarray(cut));
  }
  const rest = line.close(new Uint8Array(0));
  if (rest.length > 0) yield replacePiece(replacer, rest);
}

function replacePiece(replacer: TextReplacer, text: Uint8Array): TextPiece {
  const result = replacer.replace(text);
  return result === undefined ? { bytes: text, replaced: false } : { bytes: result, replaced: true };
}

/** The beginning of a line whose newline has not come yet, in copies: the chunks' owner may reuse them. */
class OpenLine {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = Math.min(limit, TEXT_LIMIT);
  }

  add(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    if (bytes.length > 0) this.#parts.push(new Uint8Array(bytes));
  }

  close(bytes: Uint8Array): Uint8Array {
    if (this.#parts.length === 0) return bytes;
    this.#grow(bytes.length);
    const line = concatBytes([...this.#parts, bytes]);
    this.#parts = [];
    this.#size = 0;
    return line;
  }

  #grow(size: number): void {
    this.#size += size;
    if (this.#size > this.#limit) throw textTooLarge('a line', this.#size, this.#limit);
  }
}
