// One row of the list of codecs (`codec.ts`): how its data begins, and what decodes it.
import type { DecoderOptions, PushDecoder } from './push-decoder.js';

export interface Codec<Name extends string = string> {
  readonly name: Name;
  /** How many of the first bytes `detects` wants to see. */
  readonly detectionSize: number;
  /** Says whether data begins as this codec's does; fewer bytes than wanted come only where there are no more. */
  readonly detects: (firstBytes: Uint8Array) => boolean;
  /** Whether the bytes it hands out are those of the inflater it was given. */
  readonly usesInflater: boolean;
  readonly makeDecoder: (options: DecoderOptions) => PushDecoder;
}
