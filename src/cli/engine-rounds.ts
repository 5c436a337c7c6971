// Measures the engines on the same work in interleaved rounds, after a warm-up round: `regraft bench`.
import { BuildcacheError, RelocationError } from '../core/errors.js';
import { ratioOf, type Summary, summarize } from '../core/statistics.js';
import { type EngineName, type SelectedEngine, selectEngine } from '../relocation/engines/select.js';

/** Does the work once, with one engine. Returns a function that computes the result, which is not measured. */
export type EngineWork = (engine: SelectedEngine) => Promise<() => string>;

export interface EngineRounds {
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  readonly work: EngineWork;
  readonly onRound?: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface EngineResult {
  readonly engine: EngineName;
  /** Milliseconds; absent where the engine cannot run. */
  readonly wall?: Summary;
  readonly cpu?: Summary;
  /** Wall time relative to the first engine that runs, round by round. */
  readonly ratio?: Summary;
  /** Why it cannot run. */
  readonly missing?: string;
}

/** From the fastest to the one that works everywhere. */
export const ENGINE_NAMES: readonly EngineName[] = ['native', 'wasm', 'js'];

interface Seat {
  readonly name: EngineName;
  readonly engine: SelectedEngine | string;
  readonly walls: number[];
  readonly cpus: number[];
}

/**
 * Runs all rounds. An engine that does not load is listed with the reason. The first round must give the same result with every engine.
 * @throws RelocationError `engine-failed` for an engine that differs
 */
export async function measureEngines(request: EngineRounds): Promise<EngineResult[]> {
  const { engines, rounds, signal, onRound } = request;
  const results = new Map<EngineName, string>();
  const seats: Seat[] = engines.map((name) => ({ name, engine: load(name), walls: [], cpus: [] }));
  for (let round = 0; round <= rounds; round++) {
    onRound?.(round === 0 ? 'warm-up' : `round ${round} of ${rounds}`);
    for (const seat of seats) {
      signal.throwIfAborted();
      const result = await takeTurn(seat, round, request);
      if (result !== undefined && round === 0) compare(results, seat.name, result());
    }
  }
  const first = seats.find(({ walls }) => walls.length > 0);
  return seats.map((seat) => resultOf(seat, first));
}

async function takeTurn({ engine, walls, cpus }: Seat, round: number, { work }: EngineRounds) {
  if (typeof engine === 'string') return undefined;
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const result = await work(engine);
  const wall = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (round > 0) {
    walls.push(wall);
    cpus.push((user + system) / 1000);
  }
  return result;
}

function compare(results: Map<EngineName, string>, name: EngineName, result: string): void {
  const [first] = results;
  results.set(name, result);
  if (first === undefined || first[1] === result) return;
  throw new RelocationError(
    'engine-failed',
    `Cannot compare the engines: "${name}" gives a different result from "${first[0]}"`,
    {
      hint: 'Use the engine "js", and report the package',
      data: { engine: name, other: first[0] },
    },
  );
}

function load(name: EngineName): SelectedEngine | string {
  try {
    return selectEngine(name, process.env);
  } catch (error) {
    if (error instanceof BuildcacheError && error.code === 'engine-unavailable') return error.message;
    throw error;
  }
}

function resultOf({ name, engine, walls, cpus }: Seat, first: Seat | undefined): EngineResult {
  if (typeof engine === 'string') return { engine: name, missing: engine };
  const ratio = first && ratioOf(walls, first.walls);
  return {
    engine: name,
    wall: summarize(walls),
    cpu: summarize(cpus),
    ...(ratio === undefined ? {} : { ratio }),
  };
}
