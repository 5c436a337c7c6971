// One entry in the list of codecs (`codec.ts`): how its data begins, and its decoder.
import type { DecoderOptions, PushDecoder } from './push-decoder.js';

export interface Codec<Name extends string = string> {
  readonly name: Name;
  /** How many of the first bytes `detects` needs. */
  readonly detectionSize: number;
  /** Says whether data begins like this codec's; it gets fewer bytes than it needs only if there are no more. */
  readonly detects: (firstBytes: Uint8Array) => boolean;
  /** Whether its output is that of the inflater that was passed in. */
  readonly usesInflater: boolean;
  readonly makeDecoder: (options: DecoderOptions) => PushDecoder;
}
