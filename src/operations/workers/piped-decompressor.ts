// The first half of a split package: decompresses into shared memory, from where a worker unpacks.
import type { MessagePort } from 'node:worker_threads';
import { Decompressor } from '../../stream/decompress.js';
import type { Inflater } from '../../stream/inflate/inflater.js';
import type { PipedMessage } from './piped-tarball.js';
import { SlotLedger } from './slot-ledger.js';

/** Fits what a decoder gives at a time. */
const SLOT_SIZE = 512 * 1024;

interface BytesOrigin {
  /** Whether they come from the inflater. Memory that has grown is another object, so nothing else would tell. */
  readonly isInflated: boolean;
}

/** What is kept from one package to the next. */
export class PipedOutput {
  readonly ledger = new SlotLedger();
  readonly inflater: Inflater;
  /** Where bytes are copied to that do not come from an inflater which decodes into shared memory. */
  #copies: Uint8Array<SharedArrayBuffer> | undefined;
  #nextCopy = 0;

  constructor(makeInflater: (output: SlotLedger) => Inflater) {
    this.inflater = makeInflater(this.ledger);
  }

  /** What the other thread must see. */
  memoryFor({ isInflated }: BytesOrigin): { readonly buffer: SharedArrayBuffer } {
    return (isInflated ? this.inflater.shared?.memory : undefined) ?? { buffer: this.#copySlots.buffer };
  }

  /** Puts bytes where the other thread sees them; says where. */
  share(bytes: Uint8Array, { isInflated }: BytesOrigin): number {
    const isShared = isInflated && this.inflater.shared !== undefined;
    const at = isShared ? bytes.byteOffset : this.#copy(bytes);
    this.ledger.add(at, at + bytes.length);
    return at;
  }

  #copy(bytes: Uint8Array): number {
    const at = this.#nextCopy * SLOT_SIZE;
    this.ledger.claim(at, at + SLOT_SIZE);
    this.#nextCopy = (this.#nextCopy + 1) % this.ledger.pulls;
    this.#copySlots.set(bytes, at);
    return at;
  }

  get #copySlots(): Uint8Array<SharedArrayBuffer> {
    this.#copies ??= new Uint8Array(new SharedArrayBuffer(this.ledger.pulls * SLOT_SIZE));
    return this.#copies;
  }
}

export class PipedDecompressor {
  readonly #port: MessagePort;
  readonly #output: PipedOutput;
  readonly #decompressor: Decompressor;
  #isBegun = false;
  #failure: unknown;

  constructor(port: MessagePort, output: PipedOutput) {
    this.#port = port;
    this.#output = output;
    this.#decompressor = new Decompressor({
      inflater: output.inflater,
      onOutput: (bytes) => this.#send(bytes),
      checkElsewhere: (trailer) => this.#post({ type: 'trailer', trailer, segment: this.segment }),
    });
  }

  /** Complete segments so far. */
  get segment(): number {
    return this.#decompressor.segmentCount;
  }

  /** Whether a chunk like most fits; only one that expands much more blocks until there is room for all of it. */
  get hasRoom(): boolean {
    return this.#output.ledger.hasRoom;
  }

  /** Decodes a chunk. After a failure it only swallows. */
  push(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#attempt(() => this.#decompressor.push(chunk));
  }

  /** Ends the input; answers why it could not be decoded, if it could not. */
  end(): unknown {
    this.#attempt(() => this.#decompressor.finish());
    this.#post({ type: 'end' });
    return this.#failure;
  }

  close(): void {
    this.#port.close();
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #send(output: Uint8Array): void {
    const isInflated = this.#decompressor.usesInflater;
    if (!this.#isBegun) this.#begin({ isInflated });
    for (let offset = 0; offset < output.length; offset += SLOT_SIZE) {
      const part = output.subarray(offset, offset + SLOT_SIZE);
      this.#post({
        type: 'slot',
        at: this.#output.share(part, { isInflated }),
        length: part.length,
        segment: this.segment,
      });
    }
  }

  #begin({ isInflated }: BytesOrigin): void {
    this.#isBegun = true;
    const { ledger, inflater } = this.#output;
    const memory = this.#output.memoryFor({ isInflated });
    const place = isInflated ? inflater.shared : undefined;
    this.#post({ type: 'memory', memory, place, taken: ledger.taken });
  }

  #post(message: PipedMessage): void {
    this.#port.postMessage(message);
  }
}
