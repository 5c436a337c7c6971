// Decoders that are used again: their windows are large, and those of the WASM engine are never given back.
import type { Decoders, Inflater } from '../../stream/inflate/inflater.js';

export class InflaterPool {
  readonly #decoders: Decoders;
  readonly #idle: Inflater[] = [];

  constructor(decoders: Decoders) {
    this.#decoders = decoders;
  }

  /** Lends a decoder to `use`; it must not be kept. */
  async lend<Result>(use: (inflater: Inflater) => Promise<Result>): Promise<Result> {
    const inflater = this.#idle.pop() ?? this.#decoders.createInflater();
    try {
      return await use(inflater);
    } finally {
      inflater.reset();
      this.#idle.push(inflater);
    }
  }
}
