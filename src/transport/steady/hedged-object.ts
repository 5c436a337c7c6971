// An object that several mirrors have: where the one that is read stalls, is slow or fails, another one takes over from the byte where it is.
// Whoever reads it must check the digest of the whole.
import { MirrorError } from '../../core/errors.js';
import type { OpenedObject } from '../object-store.js';
import type { Clock } from './clock.js';
import { HedgeCandidate, type ObjectSource } from './hedge-candidate.js';

export interface HedgedObjectOptions {
  readonly first: ObjectSource;
  /** Others that have the same bytes; each is looked for when it is needed. */
  readonly others: () => AsyncIterable<ObjectSource>;
  /** Where to begin; at the first byte by default. */
  readonly start?: number | undefined;
  /** How long a chunk is waited for before another source is asked for it, too; 0 for ever. It doubles with each vain question. */
  readonly after: number;
  /** Whether the first source lost before: then the race begins at once. */
  readonly isSuspect?: boolean | undefined;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly onTakeover?: ((takeover: Takeover) => void) | undefined;
}

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
  /** Sources that were too slow once. */
  readonly #slow: ObjectSource[] = [];
  #current: HedgeCandidate;
  #challenger: HedgeCandidate | undefined;
  #position: number;
  #patience: number;
  #hasOthers = true;

  constructor(options: HedgedObjectOptions) {
    this.#options = options;
    this.#found = options.others()[Symbol.asyncIterator]();
    this.#patience = options.isSuspect ? 0 : options.after;
    this.#position = options.start ?? 0;
    this.#current = new HedgeCandidate({ find: async () => options.first, signal: options.signal });
  }

  /** What is read, once the first chunk is there. */
  get object(): OpenedObject {
    return this.#current.object as OpenedObject;
  }

  /** The next chunk of whoever has it first; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const race = new Map<HedgeCandidate, Promise<Event>>([[this.#current, this.#ask(this.#current)]]);
    let failure: unknown;
    for (;;) {
      const event = await this.#first(race);
      if (event.type === 'chunk') return this.#take(event.of, event.chunk);
      if (event.type === 'failure') {
        race.delete(event.of);
        if (event.of === this.#challenger) this.#challenger = undefined;
        if (event.of === this.#current) failure = event.error;
        if (!mayTakeOver(event.error)) throw this.#end(event.error);
      }
      // Nobody left in the race: without the next one it is lost.
      const isLost = race.size === 0;
      if (isLost && !this.#hasOthers) throw this.#end(failure);
      if (this.#challenger === undefined && (isLost || event.type === 'time')) this.#challenge(race);
    }
  }

  async abandon(): Promise<void> {
    await Promise.all([this.#current.abandon(), this.#challenger?.abandon()]);
    await this.#found.return?.();
  }

  async #ask(candidate: HedgeCandidate): Promise<Event> {
    try {
      return { type: 'chunk', of: candidate, chunk: await candidate.next(this.#position) };
    } catch (error) {
      return { type: 'failure', of: candidate, error };
    }
  }

  async #first(race: ReadonlyMap<HedgeCandidate, Promise<Event>>): Promise<Event> {
    const isPatient = this.#options.after === 0 || this.#challenger !== undefined || !this.#hasOthers;
    if (isPatient) return Promise.race(race.values());
    let stop = () => {};
    const time = new Promise<Event>((resolve) => {
      stop = this.#options.clock.after(this.#patience, () => resolve({ type: 'time' }));
    });
    try {
      return await Promise.race([...race.values(), time]);
    } finally {
      stop();
    }
  }

  #challenge(race: Map<HedgeCandidate, Promise<Event>>): void {
    this.#patience = Math.max(this.#options.after, this.#patience * 2);
    const challenger: HedgeCandidate = new HedgeCandidate({
      find: async () => {
        const source = await this.#find();
        // It lost before it was found: the next one may take it.
        if (source !== undefined && this.#challenger !== challenger) this.#giveBack(source);
        return source;
      },
      size: this.#size,
      signal: this.#options.signal,
    });
    this.#challenger = challenger;
    race.set(challenger, this.#ask(challenger));
  }

  async #find(): Promise<ObjectSource | undefined> {
    const { value, done } = await this.#found.next();
    const source = done === true ? this.#slow.shift() : value;
    this.#hasOthers = source !== undefined;
    return source;
  }

  #take(winner: HedgeCandidate, chunk: Uint8Array | undefined): Uint8Array | undefined {
    const loser = winner === this.#current ? this.#challenger : this.#current;
    if (winner !== this.#current) this.#tell(winner);
    this.#current = winner;
    this.#challenger = undefined;
    if (loser !== undefined) this.#drop(loser);
    this.#position += chunk?.length ?? 0;
    return chunk;
  }

  #drop(loser: HedgeCandidate): void {
    if (loser.source !== undefined && !loser.hasFailed) this.#giveBack(loser.source);
    void loser.abandon();
  }

  #giveBack(source: ObjectSource): void {
    this.#slow.push(source);
    this.#hasOthers = true;
  }

  get #size(): number | undefined {
    return this.#current.total;
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
