// A raw DEFLATE (RFC 1951) decoder in plain TypeScript: the readable reference of the kernels, and the engine that runs everywhere.
// Accepts exactly the streams that zlib accepts. Input may end anywhere; state is kept between symbols and their parts.
import { EMPTY_BYTES } from '../../core/bytes.js';
import { IntegrityError } from '../../core/errors.js';
import { buildDecodeTable, type DecodeTable } from './decode-table.js';
import {
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  ENTRY_END,
  ENTRY_SPECIAL,
  ENTRY_SUBTABLE,
  fixedDistanceLengths,
  fixedLitlenLengths,
  HISTORY_SIZE,
  LITLEN_SYMBOLS,
  MAX_DISTANCE_SYMBOLS,
  MAX_LITLEN_SYMBOLS,
  PRECODE_ORDER,
  PRECODE_SYMBOLS,
} from './deflate-format.js';
import type { Inflater } from './inflater.js';

const WINDOW_SIZE = 512 * 1024;
/** Decoding stops here: the longest match and a copy of 4 bytes at a time still fit behind it. */
const OUTPUT_LIMIT = HISTORY_SIZE + WINDOW_SIZE - 320;
/** A pull begins with at least this much room, so that moving the history costs little. */
const LEAST_ROOM = WINDOW_SIZE / 2;
/** One round of the fast loop takes at most four refills of 4 bytes. */
const INPUT_MARGIN = 16;

const LITLEN_BITS = 10;
const DISTANCE_BITS = 9;
// The most entries that complete codes of 288 and 32 symbols can need (zlib's examples/enough.c): 1334 and 592 for what may be sent.
const LITLEN_ENTRIES = 1400;
const DISTANCE_ENTRIES = 600;

type State =
  | 'block-header'
  | 'stored-header'
  | 'stored'
  | 'dynamic-header'
  | 'precode-lengths'
  | 'code-lengths'
  | 'symbol'
  | 'distance'
  | 'distance-extra'
  | 'ended';

interface TableShape extends Omit<DecodeTable, 'entries'> {
  /** Entries of the main table and all its subtables. */
  readonly size: number;
}

function makeTable({ size, mainBits, symbols, mayBeIncomplete }: TableShape): DecodeTable {
  return { entries: new Int32Array(size), mainBits, symbols, mayBeIncomplete };
}

const LITLEN: TableShape = {
  size: LITLEN_ENTRIES,
  mainBits: LITLEN_BITS,
  symbols: LITLEN_SYMBOLS,
  mayBeIncomplete: true,
};
const DISTANCES: TableShape = {
  size: DISTANCE_ENTRIES,
  mainBits: DISTANCE_BITS,
  symbols: DISTANCE_SYMBOLS,
  mayBeIncomplete: true,
};
const PRECODE: TableShape = { size: 128, mainBits: 7, symbols: PRECODE_SYMBOLS, mayBeIncomplete: false };

// Built once: a block with the fixed code can be ten bits long, and a hostile stream a row of them.
const FIXED_LITLEN = makeTable(LITLEN);
const FIXED_DISTANCES = makeTable(DISTANCES);
buildDecodeTable(FIXED_LITLEN, fixedLitlenLengths());
buildDecodeTable(FIXED_DISTANCES, fixedDistanceLengths());

/** The pure TypeScript decoder. Its window of 544 KiB is reused by `reset()`. */
export class JsInflater implements Inflater {
  readonly #window = new Uint8Array(HISTORY_SIZE + WINDOW_SIZE);
  readonly #windowView = new DataView(this.#window.buffer);
  readonly #dynamicLitlen = makeTable(LITLEN);
  readonly #dynamicDistances = makeTable(DISTANCES);
  readonly #precode = makeTable(PRECODE);
  readonly #lengths = new Uint8Array(MAX_LITLEN_SYMBOLS + MAX_DISTANCE_SYMBOLS);

  #input: Uint8Array = EMPTY_BYTES;
  #inputView: DataView = new DataView(EMPTY_BYTES.buffer);
  #position = 0;
  /** Bits taken from the input and not used yet, the first one lowest. */
  #hold = 0;
  #bits = 0;
  /** Where output goes next, and the oldest byte that a match may reach. */
  #write = HISTORY_SIZE;
  #oldest = HISTORY_SIZE;

  #state: State = 'block-header';
  #isFinal = false;
  #failure: IntegrityError | undefined;
  #totalOutput = 0;
  // Of the block being read.
  #litlen = FIXED_LITLEN;
  #distances = FIXED_DISTANCES;
  #storedLeft = 0;
  #litlenCount = 0;
  #distanceCount = 0;
  #precodeCount = 0;
  #have = 0;
  // Of the match being read.
  #matchLength = 0;
  #distanceEntry = 0;

  get ended(): boolean {
    return this.#state === 'ended';
  }

  get unusedInput(): number {
    return this.#input.length - this.#position;
  }

  push(input: Uint8Array): void {
    if (this.unusedInput > 0) throw new TypeError('push() needs the input before it to be used up');
    this.#input = input;
    this.#inputView = new DataView(input.buffer, input.byteOffset, input.byteLength);
    this.#position = 0;
  }

  pull(): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure;
    if (OUTPUT_LIMIT - this.#write < LEAST_ROOM) this.#slideWindow();
    const start = this.#write;
    while (this.#write < OUTPUT_LIMIT && this.#step());
    this.#totalOutput += this.#write - start;
    return this.#window.subarray(start, this.#write);
  }

  reset(): void {
    this.#input = EMPTY_BYTES;
    this.#inputView = new DataView(EMPTY_BYTES.buffer);
    this.#position = 0;
    this.#hold = 0;
    this.#bits = 0;
    this.#write = HISTORY_SIZE;
    this.#oldest = HISTORY_SIZE;
    this.#state = 'block-header';
    this.#failure = undefined;
    this.#totalOutput = 0;
  }

  #slideWindow(): void {
    const distance = this.#write - HISTORY_SIZE;
    this.#window.copyWithin(0, distance, this.#write);
    this.#oldest = Math.max(0, this.#oldest - distance);
    this.#write = HISTORY_SIZE;
  }

  /** Does one step of the format; false when it needs more input, or the stream has ended. */
  #step(): boolean {
    switch (this.#state) {
      case 'block-header':
        return this.#readBlockHeader();
      case 'stored-header':
        return this.#readStoredHeader();
      case 'stored':
        return this.#copyStored();
      case 'dynamic-header':
        return this.#readDynamicHeader();
      case 'precode-lengths':
        return this.#readPrecodeLengths();
      case 'code-lengths':
        return this.#readCodeLengths();
      case 'ended':
        return false;
      default:
        return this.#decodeSymbols();
    }
  }

  #fail(reason: string): never {
    this.#failure = new IntegrityError('deflate-invalid', `Cannot decompress deflate data: ${reason}`, {
      hint: 'The file is damaged: fetch it again',
      data: { reason, outputOffset: this.#totalOutput },
    });
    throw this.#failure;
  }

  /** Makes at least `count` (<= 25) bits available; false when the input ends before. */
  #need(count: number): boolean {
    while (this.#bits < count) {
      if (this.#position === this.#input.length) return false;
      this.#hold |= (this.#input[this.#position++] as number) << this.#bits;
      this.#bits += 8;
    }
    return true;
  }

  #take(count: number): number {
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  #readBlockHeader(): boolean {
    if (!this.#need(3)) return false;
    this.#isFinal = this.#take(1) === 1;
    switch (this.#take(2)) {
      case 0:
        this.#take(this.#bits & 7);
        this.#state = 'stored-header';
        break;
      case 1:
        this.#litlen = FIXED_LITLEN;
        this.#distances = FIXED_DISTANCES;
        this.#state = 'symbol';
        break;
      case 2:
        this.#state = 'dynamic-header';
        break;
      default:
        this.#fail('unknown block type');
    }
    return true;
  }

  #readStoredHeader(): boolean {
    // 32 bits are more than need() promises, but here the bits in hold are whole bytes.
    if (!this.#need(32)) return false;
    const length = this.#hold & 0xffff;
    if (length !== ~this.#hold >>> 16) this.#fail('a stored block does not confirm its length');
    this.#hold = 0;
    this.#bits = 0;
    this.#storedLeft = length;
    this.#state = 'stored';
    return true;
  }

  #copyStored(): boolean {
    const count = Math.min(this.#storedLeft, this.unusedInput, OUTPUT_LIMIT - this.#write);
    this.#window.set(this.#input.subarray(this.#position, this.#position + count), this.#write);
    this.#position += count;
    this.#write += count;
    this.#storedLeft -= count;
    if (this.#storedLeft > 0) return false;
    this.#endBlock();
    return true;
  }

  #endBlock(): void {
    this.#state = this.#isFinal ? 'ended' : 'block-header';
    if (!this.#isFinal) return;
    // Whole bytes that were taken too early come from the input at hand: bits from before were used up first.
    this.#position -= this.#bits >> 3;
    this.#hold = 0;
    this.#bits = 0;
  }

  #readDynamicHeader(): boolean {
    if (!this.#need(14)) return false;
    this.#litlenCount = this.#take(5) + 257;
    this.#distanceCount = this.#take(5) + 1;
    this.#precodeCount = this.#take(4) + 4;
    if (this.#litlenCount > MAX_LITLEN_SYMBOLS) this.#fail('too many literal/length codes');
    if (this.#distanceCount > MAX_DISTANCE_SYMBOLS) this.#fail('too many distance codes');
    this.#lengths.fill(0, 0, PRECODE_ORDER.length);
    this.#have = 0;
    this.#state = 'precode-lengths';
    return true;
  }

  #readPrecodeLengths(): boolean {
    while (this.#have < this.#precodeCount) {
      if (!this.#need(3)) return false;
      this.#lengths[PRECODE_ORDER[this.#have++] as number] = this.#take(3);
    }
    if (!buildDecodeTable(this.#precode, this.#lengths.subarray(0, PRECODE_ORDER.length))) {
      this.#fail('the code of the code lengths is not complete');
    }
    this.#have = 0;
    this.#state = 'code-lengths';
    return true;
  }

  #readCodeLengths(): boolean {
    const wanted = this.#litlenCount + this.#distanceCount;
    while (this.#have < wanted) {
      const entry = this.#peekEntry(this.#precode);
      if (entry === undefined || !this.#need(entry & 31)) return false;
      this.#take((entry >>> 8) & 15);
      this.#addCodeLength(entry >>> 16, this.#take((entry & 31) - ((entry >>> 8) & 15)), wanted);
    }
    this.#startDynamicBlock();
    return true;
  }

  #addCodeLength(symbol: number, extra: number, wanted: number): void {
    if (symbol < 16) {
      this.#lengths[this.#have++] = symbol;
      return;
    }
    if (symbol === 16 && this.#have === 0) this.#fail('a repeated code length has none before it');
    const value = symbol === 16 ? (this.#lengths[this.#have - 1] as number) : 0;
    const end = this.#have + extra + (symbol === 18 ? 11 : 3);
    if (end > wanted) this.#fail('a repeated code length goes beyond the last code');
    this.#lengths.fill(value, this.#have, end);
    this.#have = end;
  }

  #startDynamicBlock(): void {
    const split = this.#litlenCount;
    if (this.#lengths[END_OF_BLOCK] === 0) this.#fail('no code for the end of the block');
    this.#litlen = this.#dynamicLitlen;
    this.#distances = this.#dynamicDistances;
    if (!buildDecodeTable(this.#litlen, this.#lengths.subarray(0, split))) {
      this.#fail('the literal/length code is not complete');
    }
    if (!buildDecodeTable(this.#distances, this.#lengths.subarray(split, split + this.#distanceCount))) {
      this.#fail('the distance code is not complete');
    }
    this.#state = 'symbol';
  }

  /** The entry of the next code, all bits of which are then available; undefined when the input ends within it. */
  #peekEntry({ entries, mainBits }: DecodeTable): number | undefined {
    for (;;) {
      let entry = entries[this.#hold & ((1 << mainBits) - 1)] as number;
      if ((entry & ENTRY_SUBTABLE) === ENTRY_SUBTABLE) {
        const index = (this.#hold >>> mainBits) & ((1 << ((entry >>> 8) & 15)) - 1);
        // Its bits are counted from the main table on, like those of any other entry.
        entry = (entries[(entry >>> 16) + index] as number) + ((mainBits << 8) | mainBits);
      }
      if (((entry >>> 8) & 15) <= this.#bits) return entry;
      if (!this.#need(this.#bits + 1)) return undefined;
    }
  }

  /** Decodes until the block or the room ends (true) or the input does (false). */
  #decodeSymbols(): boolean {
    for (;;) {
      if (this.#state === 'symbol' && this.unusedInput >= INPUT_MARGIN) this.#decodeFast();
      else if (!this.#decodePart()) return false;
      if (this.#state === 'block-header' || this.#state === 'ended' || this.#write >= OUTPUT_LIMIT)
        return true;
    }
  }

  /** Decodes one literal, one length or one distance, at the edges of the input; false when it ends before. */
  #decodePart(): boolean {
    switch (this.#state) {
      case 'symbol':
        return this.#decodeLitlen();
      case 'distance':
        return this.#decodeDistance();
      default:
        return this.#decodeDistanceExtra();
    }
  }

  #decodeLitlen(): boolean {
    const entry = this.#peekEntry(this.#litlen);
    if (entry === undefined || !this.#need(entry & 31)) return false;
    const codeBits = (entry >>> 8) & 15;
    this.#take(codeBits);
    if (entry < 0) {
      this.#window[this.#write++] = entry >>> 16;
    } else if (entry & ENTRY_SPECIAL) {
      if ((entry & ENTRY_END) !== ENTRY_END) this.#fail('invalid literal/length code');
      this.#endBlock();
    } else {
      this.#matchLength = (entry >>> 16) + this.#take((entry & 31) - codeBits);
      this.#state = 'distance';
    }
    return true;
  }

  #decodeDistance(): boolean {
    const entry = this.#peekEntry(this.#distances);
    if (entry === undefined) return false;
    if (entry & ENTRY_SPECIAL) this.#fail('invalid distance code');
    this.#take((entry >>> 8) & 15);
    this.#distanceEntry = entry;
    this.#state = 'distance-extra';
    return true;
  }

  #decodeDistanceExtra(): boolean {
    const entry = this.#distanceEntry;
    const extraBits = (entry & 31) - ((entry >>> 8) & 15);
    if (!this.#need(extraBits)) return false;
    const from = this.#write - ((entry >>> 16) + this.#take(extraBits));
    if (from < this.#oldest) this.#fail('a distance reaches before the first byte');
    for (let i = 0; i < this.#matchLength; i++)
      this.#window[this.#write++] = this.#window[from + i] as number;
    this.#state = 'symbol';
    return true;
  }

  /**
   * Decodes whole symbols while a round can neither run out of input nor out of room.
   * A refill reads 4 bytes and counts as many as fit: 24 bits at least; the bits above are the right ones and are read again.
   */
  #decodeFast(): void {
    const inputView = this.#inputView;
    const window = this.#window;
    const windowView = this.#windowView;
    const litlen = this.#litlen.entries;
    const distances = this.#distances.entries;
    const oldest = this.#oldest;
    const inputLimit = this.#input.length - INPUT_MARGIN;
    let position = this.#position;
    let hold = this.#hold;
    let bits = this.#bits;
    let write = this.#write;
    let problem = '';

    while (position <= inputLimit && write < OUTPUT_LIMIT) {
      hold |= inputView.getUint32(position, true) << bits;
      position += (31 - bits) >> 3;
      bits |= 24;
      let entry = litlen[hold & ((1 << LITLEN_BITS) - 1)] as number;
      if (entry < 0) {
        hold >>>= entry & 31;
        bits -= entry & 31;
        window[write++] = entry >>> 16;
        // Two codes of the main table have 20 bits together, so a second literal needs no refill.
        entry = litlen[hold & ((1 << LITLEN_BITS) - 1)] as number;
        if (entry < 0) {
          hold >>>= entry & 31;
          bits -= entry & 31;
          window[write++] = entry >>> 16;
          continue;
        }
        hold |= inputView.getUint32(position, true) << bits;
        position += (31 - bits) >> 3;
        bits |= 24;
      }
      if (entry & ENTRY_SPECIAL) {
        if ((entry & ENTRY_SUBTABLE) === ENTRY_SUBTABLE) {
          hold >>>= LITLEN_BITS;
          bits -= LITLEN_BITS;
          entry = litlen[(entry >>> 16) + (hold & ((1 << ((entry >>> 8) & 15)) - 1))] as number;
          if (entry < 0) {
            hold >>>= entry & 31;
            bits -= entry & 31;
            window[write++] = entry >>> 16;
            continue;
          }
        }
        if (entry & ENTRY_SPECIAL) {
          hold >>>= entry & 31;
          bits -= entry & 31;
          problem = (entry & ENTRY_END) === ENTRY_END ? 'end' : 'invalid literal/length code';
          break;
        }
      }
      let total = entry & 31;
      const length = (entry >>> 16) + ((hold & ((1 << total) - 1)) >>> ((entry >>> 8) & 15));
      hold >>>= total;
      bits -= total;

      hold |= inputView.getUint32(position, true) << bits;
      position += (31 - bits) >> 3;
      bits |= 24;
      entry = distances[hold & ((1 << DISTANCE_BITS) - 1)] as number;
      if (entry & ENTRY_SPECIAL) {
        if ((entry & ENTRY_SUBTABLE) === ENTRY_SUBTABLE) {
          hold >>>= DISTANCE_BITS;
          bits -= DISTANCE_BITS;
          entry = distances[(entry >>> 16) + (hold & ((1 << ((entry >>> 8) & 15)) - 1))] as number;
        }
        if (entry & ENTRY_SPECIAL) {
          problem = 'invalid distance code';
          break;
        }
      }
      total = entry & 31;
      let codeBits = (entry >>> 8) & 15;
      if (total > bits) {
        // A long code with many extra bits: take the code alone first.
        hold >>>= codeBits;
        bits -= codeBits;
        total -= codeBits;
        codeBits = 0;
        hold |= inputView.getUint32(position, true) << bits;
        position += (31 - bits) >> 3;
        bits |= 24;
      }
      const distance = (entry >>> 16) + ((hold & ((1 << total) - 1)) >>> codeBits);
      hold >>>= total;
      bits -= total;

      let from = write - distance;
      if (from < oldest) {
        problem = 'a distance reaches before the first byte';
        break;
      }
      const end = write + length;
      if (distance >= 4) {
        do {
          windowView.setUint32(write, windowView.getUint32(from, true), true);
          write += 4;
          from += 4;
        } while (write < end);
        write = end;
      } else {
        do window[write++] = window[from++] as number;
        while (write < end);
      }
    }

    this.#position = position;
    this.#hold = hold & ((1 << bits) - 1); // at most 31 bits, so the shift is sound
    this.#bits = bits;
    this.#write = write;
    if (problem === 'end') this.#endBlock();
    else if (problem !== '') this.#fail(problem);
  }
}
