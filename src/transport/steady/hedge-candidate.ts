// One of the mirrors that may bring the next chunk of an object.
import { MirrorError } from '../../core/errors.js';
import type { OpenedObject, OpenOptions } from '../object-store.js';
import { otherLength } from './errors.js';

/** A place that has an object. */
export interface ObjectSource {
  /** URL or path, for messages. */
  readonly location: string;
  open(options: OpenOptions): Promise<OpenedObject>;
}

export interface HedgeCandidateOptions {
  /** Answers undefined when there is no other place. */
  readonly find: () => Promise<ObjectSource | undefined>;
  /** Where it begins. */
  readonly start: number;
  /** Bytes that the whole object must have, if known. */
  readonly size?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class HedgeCandidate {
  readonly #options: HedgeCandidateOptions;
  readonly #controller = new AbortController();
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  source: ObjectSource | undefined;
  object: OpenedObject | undefined;
  /** Bytes of its body, where that is the whole object. */
  #sizeFromStart: number | undefined;
  hasFailed = false;
  readonly start: number;
  /** Of the byte after those that came. */
  position: number;

  constructor(options: HedgeCandidateOptions) {
    this.#options = options;
    this.start = options.start;
    this.position = options.start;
  }

  /** Once it is open. */
  get location(): string {
    return this.object?.location ?? this.source?.location ?? '';
  }

  /** Bytes of the whole object. */
  get total(): number | undefined {
    return this.#options.size ?? this.object?.total ?? this.#sizeFromStart;
  }

  /**
   * The next chunk; undefined at the end.
   * @throws MirrorError, also `mirror-not-found` when there is no other place
   */
  async next(): Promise<Uint8Array | undefined> {
    try {
      this.#reader ??= await this.#open();
      const { value, done } = await this.#reader.read();
      this.position += value?.length ?? 0;
      return done ? undefined : value;
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
  }

  /** Ends its connection. */
  async abandon(): Promise<void> {
    await this.#reader?.cancel().catch(() => {});
    this.#controller.abort();
  }

  async #open(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { find, size, signal: outer } = this.#options;
    this.source = await find();
    if (this.source === undefined) throw new MirrorError('mirror-not-found', 'Cannot find another mirror');
    const { signal: own } = this.#controller;
    const signal = outer === undefined ? own : AbortSignal.any([outer, own]);
    signal.throwIfAborted();
    const range = this.start === 0 ? undefined : { start: this.start };
    const object = await this.source.open({ range, signal });
    this.object = object;
    this.#sizeFromStart = range === undefined ? object.size : undefined;
    const actual = object.total ?? this.#sizeFromStart;
    if (size === undefined || actual === undefined || size === actual) return object.body.getReader();
    await object.body.cancel().catch(() => {});
    throw otherLength({ location: object.location, announced: size, actual });
  }
}
