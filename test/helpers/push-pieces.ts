// Feeds a push decoder piece by piece. Each piece is overwritten after the call: a decoder must not keep a view of it.
import type { PushDecoder } from '../../src/stream/push-decoder.js';

/** Cuts `input` into pieces of these sizes, the last one again and again. */
export function pushInPieces(decoder: PushDecoder, input: Uint8Array, sizes: readonly number[]): void {
  for (let i = 0, offset = 0; offset < input.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] as number;
    const piece = Uint8Array.from(input.subarray(offset, offset + size));
    decoder.push(piece);
    piece.fill(0xaa);
    offset += size;
  }
}
