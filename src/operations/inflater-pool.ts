// Decoders that are used again: their windows are large, and those of the WASM engine are never given back.
import type { RelocationEngine } from '../relocation/engine.js';
import type { Inflater } from '../stream/inflate/inflater.js';

export class InflaterPool {
  readonly #engine: RelocationEngine;
  readonly #idle: Inflater[] = [];

  constructor(engine: RelocationEngine) {
    this.#engine = engine;
  }

  /** Lends a decoder to `use`; it must not be kept. */
  async lend<Result>(use: (inflater: Inflater) => Promise<Result>): Promise<Result> {
    const inflater = this.#idle.pop() ?? this.#engine.createInflater();
    try {
      return await use(inflater);
    } finally {
      inflater.reset();
      this.#idle.push(inflater);
    }
  }
}
