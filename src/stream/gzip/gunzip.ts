// gzip framing (RFC 1952) around any raw decoder: several members, header fields at any split, CRC and length checked.
// What follows the last member (zeros, garbage) is ignored and counted, as Spack's archives may end in it.
import { crc32 } from 'node:zlib';
import { IntegrityError } from '../../core/errors.js';
import type { Inflater } from '../inflate/inflater.js';
import type { DecoderOptions, PushDecoder, SegmentTrailer } from '../push-decoder.js';
import { type GzipHeaderProblem, GzipHeaderReader } from './gzip-header.js';

const TRAILER_SIZE = 8;

const HEADER_PROBLEMS: Readonly<Record<GzipHeaderProblem, string>> = {
  magic: 'the data does not begin with a gzip header',
  method: 'the header names an unknown compression method',
  flags: 'the header has reserved flags set',
  crc: 'the header does not match its checksum',
};

/** @throws IntegrityError `gzip-crc`, `gzip-length` */
export function checkTrailer(expected: SegmentTrailer, actual: SegmentTrailer): void {
  if (expected.crc !== actual.crc) refuseTrailer('gzip-crc', 'CRC', expected.crc, actual.crc);
  if (expected.length !== actual.length)
    refuseTrailer('gzip-length', 'length', expected.length, actual.length);
}

function refuseTrailer(
  code: 'gzip-crc' | 'gzip-length',
  what: string,
  expected: number,
  actual: number,
): never {
  throw new IntegrityError(
    code,
    `Cannot decompress gzip data: its ${what} is ${actual}, the member says ${expected}`,
    {
      hint: 'The file is damaged: fetch it again',
      data: { expected, actual },
    },
  );
}

type State = 'header' | 'body' | 'trailer' | 'between' | 'ignoring';

/**
 * Decodes gzip members one after the other.
 *
 * Throws IntegrityError `gzip-header`, `gzip-truncated`, `gzip-crc`, `gzip-length`, `deflate-invalid`.
 * After a complete member, what is not the header of another one is ignored, also a header that is cut off or damaged.
 */
export class GunzipDecoder implements PushDecoder {
  readonly #inflater: Inflater;
  readonly #onOutput: (bytes: Uint8Array) => void;
  readonly #checkElsewhere: DecoderOptions['checkElsewhere'];
  #state: State = 'header';
  #header = new GzipHeaderReader();
  /** Bytes of the header being read, which turn out to be ignored ones when it is none. */
  #headerSize = 0;
  #memberCount = 0;
  #ignoredBytes = 0;
  #isStopped = false;
  #crc = 0;
  #length = 0;
  readonly #trailer = new Uint8Array(TRAILER_SIZE);
  #trailerSize = 0;

  constructor({ inflater, onOutput, checkElsewhere }: DecoderOptions) {
    this.#inflater = inflater;
    this.#onOutput = onOutput;
    this.#checkElsewhere = inflater.crc32 === undefined ? checkElsewhere : undefined;
    inflater.reset();
  }

  /** Members that are complete, their checksums verified unless that is done elsewhere. */
  get segmentCount(): number {
    return this.#memberCount;
  }

  get ignoredBytes(): number {
    return this.#ignoredBytes + (this.#memberCount > 0 ? this.#headerSize : 0);
  }

  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) offset = this.#step(chunk, offset);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#memberCount > 0 && (this.#state === 'between' || this.#state === 'header'))
      this.#ignoreHeader();
  }

  finish(): void {
    const isBetween = this.#state === 'between' || this.#state === 'header';
    if (this.#state === 'ignoring' || (isBetween && this.#memberCount > 0)) return;
    throw new IntegrityError('gzip-truncated', 'Cannot decompress gzip data: it ends within a member', {
      hint: 'The file is not complete: fetch it again',
      data: { state: this.#state, memberCount: this.#memberCount },
    });
  }

  #step(chunk: Uint8Array, offset: number): number {
    switch (this.#state) {
      case 'header':
        return this.#readHeader(chunk, offset);
      case 'body':
        return this.#readBody(chunk, offset);
      case 'trailer':
        return this.#readTrailer(chunk, offset);
      case 'between':
        return this.#skipZeros(chunk, offset);
      case 'ignoring':
        this.#ignoredBytes += chunk.length - offset;
        return chunk.length;
    }
  }

  #readHeader(chunk: Uint8Array, offset: number): number {
    const end = this.#header.read(chunk, offset);
    this.#headerSize += end - offset;
    if (this.#header.problem !== undefined) this.#refuseHeader(this.#header.problem);
    else if (this.#header.isDone) this.#beginBody();
    return end;
  }

  #refuseHeader(problem: GzipHeaderProblem): void {
    if (this.#memberCount > 0) {
      this.#ignoreHeader();
      return;
    }
    throw new IntegrityError('gzip-header', `Cannot decompress gzip data: ${HEADER_PROBLEMS[problem]}`, {
      hint: 'The file is damaged, or not a gzip file',
      data: { problem, offset: this.#headerSize - 1 },
    });
  }

  #ignoreHeader(): void {
    this.#ignoredBytes += this.#headerSize;
    this.#headerSize = 0;
    this.#state = 'ignoring';
  }

  #beginBody(): void {
    this.#headerSize = 0;
    this.#crc = 0;
    this.#length = 0;
    this.#inflater.reset();
    this.#state = 'body';
  }

  #readBody(chunk: Uint8Array, offset: number): number {
    const inflater = this.#inflater;
    inflater.push(chunk.subarray(offset));
    for (let output = inflater.pull(); output.length > 0; output = inflater.pull()) {
      if (this.#checkElsewhere === undefined) this.#crc = inflater.crc32 ?? crc32(output, this.#crc);
      this.#length = (this.#length + output.length) % 2 ** 32;
      this.#onOutput(output);
    }
    if (!inflater.ended) return chunk.length;
    this.#trailerSize = 0;
    this.#state = 'trailer';
    const end = chunk.length - inflater.unusedInput;
    // The chunk belongs to the caller again.
    inflater.reset();
    return end;
  }

  #readTrailer(chunk: Uint8Array, offset: number): number {
    const part = chunk.subarray(offset, offset + TRAILER_SIZE - this.#trailerSize);
    this.#trailer.set(part, this.#trailerSize);
    this.#trailerSize += part.length;
    if (this.#trailerSize === TRAILER_SIZE) this.#endMember();
    return offset + part.length;
  }

  #endMember(): void {
    const view = new DataView(this.#trailer.buffer);
    const trailer = { crc: view.getUint32(0, true), length: view.getUint32(4, true) };
    if (this.#checkElsewhere === undefined) checkTrailer(trailer, { crc: this.#crc, length: this.#length });
    else this.#checkElsewhere(trailer);
    this.#memberCount++;
    this.#state = this.#isStopped ? 'ignoring' : 'between';
  }

  /** Zeros may pad a member to a block; what comes behind them can be another member. */
  #skipZeros(chunk: Uint8Array, offset: number): number {
    let end = offset;
    while (end < chunk.length && chunk[end] === 0) end++;
    this.#ignoredBytes += end - offset;
    if (end < chunk.length) {
      this.#header = new GzipHeaderReader();
      this.#headerSize = 0;
      this.#state = 'header';
    }
    return end;
  }
}
