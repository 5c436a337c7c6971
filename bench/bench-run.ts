// One run: generates the inputs, runs the selected cases one after another, and reports each as soon as it is done.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchCase } from './case.js';
import { type CaseInput, prepareInput } from './inputs/case-input.js';
import { machineFacts } from './machine.js';
import type { BenchOptions } from './options.js';
import { openPlaces } from './places.js';
import { type BenchRecord, type CaseRecord, isFailed, RECORD_FORMAT } from './record.js';
import { runCase } from './runner.js';

/** For a case of the quick run. */
const QUICK_SECONDS = 1;
const WARM_UP_SECONDS = 4;

export interface BenchRunOptions {
  readonly options: BenchOptions;
  /** As typed: they go into the record. */
  readonly args: readonly string[];
  readonly cases: readonly BenchCase[];
  /** A record whose cases are taken over. */
  readonly earlier?: BenchRecord | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (text: string) => void;
  /** Called with the record so far: before the first case, and after each. */
  readonly onRecord: (record: BenchRecord) => void;
}

export class BenchRun {
  readonly #given: BenchRunOptions;
  readonly #places = openPlaces();
  readonly #inputFolder: string;
  readonly #frame: Omit<BenchRecord, 'seconds' | 'cases' | 'remaining'>;
  readonly #done: CaseRecord[];
  #seconds: number;

  constructor(given: BenchRunOptions) {
    const { options, args, earlier, environment } = given;
    this.#given = given;
    this.#inputFolder = options.inputFolder ?? mkdtempSync(join(tmpdir(), 'regraft-bench-inputs-'));
    const folders = { memory: this.#places.memory.folder, disk: this.#places.disk.folder };
    const machine = machineFacts(folders, environment);
    this.#done = (earlier?.cases ?? []).filter((each) => !isFailed(each));
    this.#seconds = earlier?.seconds ?? 0;
    this.#frame = {
      format: RECORD_FORMAT,
      date: earlier?.date ?? new Date().toISOString(),
      command: earlier?.command ?? commandOf(args),
      isQuick: options.isQuick,
      machine,
    };
  }

  /**
   * Runs the cases that the earlier record lacks, as long as there is time.
   * @throws TypeError for an earlier record from another machine
   */
  async run(): Promise<BenchRecord> {
    const { options, cases, earlier, onProgress, onRecord } = this.#given;
    const { name: here } = this.#frame.machine;
    if (earlier !== undefined && earlier.machine.name !== here)
      throw new TypeError(`The record is from "${earlier.machine.name}", but this machine is "${here}"`);
    const end = performance.now() + options.minutes * 60_000;
    const waiting = cases.filter(({ name }) => !this.#done.some((each) => each.name === name));
    const remaining = new Set(waiting.map(({ name }) => name));
    onRecord(this.#record(remaining));
    for (const [index, bench] of waiting.entries()) {
      if (performance.now() > end) break;
      onProgress(`[${index + 1}/${waiting.length}] ${bench.name}: input`);
      this.#done.push(await this.#runCase(bench, index));
      remaining.delete(bench.name);
      onRecord(this.#record(remaining));
    }
    return this.#record(remaining);
  }

  /** Removes everything except the record, and the inputs if their folder was given. */
  clean(): void {
    const inputs = this.#given.options.inputFolder === undefined ? [this.#inputFolder] : [];
    const { memory, disk } = this.#places;
    for (const each of [memory.folder, disk.folder, ...inputs])
      rmSync(each, { recursive: true, force: true });
  }

  async #runCase(bench: BenchCase, index: number): Promise<CaseRecord> {
    const { options, environment, onProgress } = this.#given;
    const place = this.#places[bench.place ?? 'memory'];
    const outputFolder = join(place.folder, `case${String(index).padStart(2, '0')}`);
    // In the same place as the output: no contender's caches and stages may wait for the disk when another's do not.
    const workFolder = join(place.folder, `work${index}`);
    const input = await this.#inputOf(bench);
    const begin = performance.now();
    const record = await runCase(bench, {
      rounds: options.rounds,
      ...(options.isQuick ? { mostSeconds: QUICK_SECONDS } : { warmUpSeconds: WARM_UP_SECONDS }),
      input,
      outputFolder,
      removesAtOnce: place.removesAtOnce,
      settle: place.settle,
      environment,
      workFolder,
      onProgress: (text) => onProgress(`    ${text}`),
    });
    this.#seconds += (performance.now() - begin) / 1000;
    rmSync(workFolder, { recursive: true, force: true });
    return record;
  }

  /** The first time it may take minutes. */
  async #inputOf({ input }: BenchCase): Promise<CaseInput> {
    mkdirSync(this.#inputFolder, { recursive: true });
    return prepareInput(this.#inputFolder, input, this.#given.onProgress);
  }

  #record(remaining: ReadonlySet<string>): BenchRecord {
    const record = { ...this.#frame, seconds: this.#seconds, cases: [...this.#done] };
    return remaining.size === 0 ? record : { ...record, remaining: [...remaining] };
  }
}

function commandOf(args: readonly string[]): string {
  const words = args.map((arg) => (/[^\w./-]/.test(arg) ? JSON.stringify(arg) : arg));
  return ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
}
