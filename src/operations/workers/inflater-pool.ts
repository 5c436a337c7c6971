// Decoders that are used again: their windows are large, and those of the WASM engine are never given back.
import type { Decoders, Inflater } from '../../stream/inflate/inflater.js';

export class InflaterPool {
  readonly #decoders: Decoders;
  readonly #idle: Inflater[] = [];

  constructor(decoders: Decoders) {
    this.#decoders = decoders;
  }

  /** Takes a decoder out of the pool; `release` it when it is done. */
  take(): Inflater {
    return this.#idle.pop() ?? this.#decoders.createInflater();
  }

  /** Takes a decoder back; it must not be used by its former holder any more. */
  release(inflater: Inflater): void {
    inflater.reset();
    this.#idle.push(inflater);
  }
}
