// An object that several mirrors have: where the one that is read stalls, is slow or fails, another one takes over from the byte where it is.
// Which one is better is found out by a race: both read on from the same byte, until one of them is clearly behind.
// Whoever reads it must check the digest of the whole.
import { MirrorError } from '../../core/errors.js';
import type { OpenedObject } from '../object-store.js';
import type { Clock } from './clock.js';
import { HedgeCandidate, type ObjectSource } from './hedge-candidate.js';
import { HedgePace } from './hedge-pace.js';

export interface HedgedObjectOptions {
  readonly first: ObjectSource;
  /** Others that have the same bytes; each is looked for when it is needed. */
  readonly others: () => AsyncIterable<ObjectSource>;
  /** Where to begin; at the first byte by default. */
  readonly start?: number | undefined;
  /** How long a chunk is waited for before another source is raced; 0 for ever. It doubles with each race. */
  readonly after: number;
  /** Whether the first source lost before: then the race begins at once. */
  readonly isSuspect?: boolean | undefined;
  readonly clock: Clock;
  /** How far the one that is read may come before the race is over, in bytes. */
  readonly raceLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onTakeover?: ((takeover: Takeover) => void) | undefined;
}

/** A source that is a second behind at the start, and ten times faster, wins against 2 MB/s. */
const RACE_LENGTH = 2 << 20;
export interface Takeover {
  readonly from: string;
  readonly to: string;
  /** The first byte that came from the other one. */
  readonly position: number;
}

/**
 * Opens the object, and has its first bytes when it answers.
 * @throws what the first source throws, when no other one helps; so does its body
 */
export async function openHedged(options: HedgedObjectOptions): Promise<OpenedObject> {
  const hedged = new HedgedObject(options);
  let chunk = await hedged.next();
  let isFirst = true;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!isFirst) chunk = await hedged.next();
        isFirst = false;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => hedged.abandon(),
    },
    { highWaterMark: 0 },
  );
  const { size, tag, location, total } = hedged.object;
  return { body, size, tag, location, total };
}

type Event =
  | { readonly type: 'chunk'; readonly of: HedgeCandidate; readonly chunk: Uint8Array | undefined }
  | { readonly type: 'failure'; readonly of: HedgeCandidate; readonly error: unknown }
  | { readonly type: 'time' };

class HedgedObject {
  readonly #options: HedgedObjectOptions;
  readonly #found: AsyncIterator<ObjectSource>;
  /** Sources that lost a race. */
  readonly #slow: ObjectSource[] = [];
  /** What is asked for a chunk. */
  readonly #running = new Map<HedgeCandidate, Promise<Event>>();
  readonly #pace: HedgePace;
  #current: HedgeCandidate;
  #challenger: HedgeCandidate | undefined;
  #position: number;
  #hasOthers = true;

  constructor(options: HedgedObjectOptions) {
    const { first, others, start = 0, signal } = options;
    this.#options = options;
    this.#found = others()[Symbol.asyncIterator]();
    this.#position = start;
    this.#pace = new HedgePace(options);
    this.#current = new HedgeCandidate({ find: async () => first, start, signal });
  }

  /** What is read, once the first chunk is there. */
  get object(): OpenedObject {
    return this.#current.object as OpenedObject;
  }

  /** The next chunk of whoever has it first; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    this.#ask(this.#current);
    if (this.#pace.isRaceDue({ position: this.#position, total: this.#current.total })) this.#challenge();
    const begin = this.#options.clock.now();
    const chunk = await this.#race();
    this.#pace.took(this.#options.clock.now() - begin, chunk?.length ?? 0);
    return chunk;
  }

  async abandon(): Promise<void> {
    await Promise.all([this.#current.abandon(), this.#challenger?.abandon()]);
    await this.#found.return?.();
  }

  async #race(): Promise<Uint8Array | undefined> {
    /** Why the one that was read cannot go on. */
    let failure: unknown;
    for (;;) {
      const event = await this.#first();
      if (event.type === 'time') this.#challenge();
      else if (event.type === 'chunk') {
        this.#running.delete(event.of);
        if (this.#isNews(event)) return this.#take(event.of, event.chunk);
        this.#lag(event);
      } else {
        if (event.of === this.#current) failure = event.error;
        if (!mayTakeOver(event.error)) throw this.#end(event.error);
        this.#leave(event.of);
      }
      if (this.#running.size > 0) continue;
      if (!this.#hasOthers) throw this.#end(failure);
      this.#challenge();
    }
  }

  /** Whether it brings what was not read yet: bytes, or the end. */
  #isNews({ of, chunk }: Extract<Event, { type: 'chunk' }>): boolean {
    return of.position > this.#position || (chunk === undefined && of.position === this.#position);
  }

  /** What is behind may catch up, unless it ended. */
  #lag({ of, chunk }: Extract<Event, { type: 'chunk' }>): void {
    if (chunk !== undefined) this.#ask(of);
    else this.#leave(of);
  }

  #leave(candidate: HedgeCandidate): void {
    this.#running.delete(candidate);
    if (candidate === this.#challenger) this.#challenger = undefined;
  }

  #ask(candidate: HedgeCandidate): void {
    const asked = candidate.next().then(
      (chunk): Event => ({ type: 'chunk', of: candidate, chunk }),
      (error: unknown): Event => ({ type: 'failure', of: candidate, error }),
    );
    this.#running.set(candidate, asked);
  }

  async #first(): Promise<Event> {
    const { after, clock } = this.#options;
    if (after === 0 || this.#challenger !== undefined || !this.#hasOthers)
      return Promise.race(this.#running.values());
    let stop = () => {};
    const time = new Promise<Event>((resolve) => {
      stop = clock.after(this.#pace.patience, () => resolve({ type: 'time' }));
    });
    try {
      return await Promise.race([...this.#running.values(), time]);
    } finally {
      stop();
    }
  }

  #challenge(): void {
    if (this.#challenger !== undefined || !this.#hasOthers) return;
    this.#pace.raced();
    const challenger: HedgeCandidate = new HedgeCandidate({
      find: async () => {
        const source = await this.#find();
        // It lost before it was found: the next one may take it.
        if (source !== undefined && this.#challenger !== challenger) this.#giveBack(source);
        return source;
      },
      start: this.#position,
      size: this.#current.total,
      signal: this.#options.signal,
    });
    this.#challenger = challenger;
    this.#ask(challenger);
  }

  async #find(): Promise<ObjectSource | undefined> {
    const { value, done } = await this.#found.next();
    const source = done === true ? this.#slow.shift() : value;
    this.#hasOthers = source !== undefined;
    return source;
  }

  #take(winner: HedgeCandidate, chunk: Uint8Array | undefined): Uint8Array | undefined {
    const fresh = chunk?.subarray(Math.max(0, chunk.length - (winner.position - this.#position)));
    if (winner !== this.#current) {
      this.#tell(winner);
      this.#drop(this.#current);
      this.#current = winner;
      this.#challenger = undefined;
    }
    this.#position = Math.max(this.#position, winner.position);
    const { raceLength = RACE_LENGTH } = this.#options;
    const rival = this.#challenger;
    if (rival !== undefined && (chunk === undefined || this.#position - rival.start >= raceLength)) {
      this.#challenger = undefined;
      this.#drop(rival);
    }
    return fresh;
  }

  #drop(loser: HedgeCandidate): void {
    this.#running.delete(loser);
    if (loser.source !== undefined && !loser.hasFailed) this.#giveBack(loser.source);
    void loser.abandon();
  }

  #giveBack(source: ObjectSource): void {
    this.#slow.push(source);
    this.#hasOthers = true;
  }

  #tell(winner: HedgeCandidate): void {
    const [from, to] = [this.#current.location, winner.location];
    this.#options.onTakeover?.({ from, to, position: this.#position });
  }

  #end(error: unknown): unknown {
    void this.abandon().catch(() => {});
    return error;
  }
}

/** Another mirror helps against what is wrong with this one, and not against an abort. */
function mayTakeOver(error: unknown): boolean {
  return error instanceof MirrorError;
}
