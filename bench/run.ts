// `npm run bench`: makes the inputs, runs the selected cases, writes the record and its reports. Progress goes to stderr.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchCase } from './case.js';
import { compareRecords } from './compare.js';
import { ALL_CASES } from './definitions/all.js';
import { prepareInput } from './inputs/case-input.js';
import { machineFacts } from './machine.js';
import { type BenchOptions, parseOptions, selectCases, USAGE } from './options.js';
import { openPlaces } from './places.js';
import { type BenchRecord, type CaseRecord, problemsOf, RECORD_FORMAT, readRecord } from './record.js';
import { htmlReport } from './report/html.js';
import { markdownReport } from './report/markdown.js';
import { runCase } from './runner.js';

const EXIT = { done: 0, failed: 1, usage: 2 } as const;

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return EXIT.usage;
  }
  if (options.listsOnly) return listCases(options);
  if (options.compare.length > 0) return compare(options.compare);
  if (options.report !== undefined) return report(options.report);
  const record = await run(options, args);
  const path = writeRecord(record, options.outFolder);
  writeReports(record, path);
  console.log(markdownReport(record));
  console.error(`Record: ${path}.json, reports: ${path}.md, ${path}.html`);
  const problems = problemsOf(record);
  for (const problem of problems) console.error(`PROBLEM: ${problem}`);
  return problems.length > 0 ? EXIT.failed : EXIT.done;
}

function listCases(options: BenchOptions): number {
  for (const { group, name, why } of selectCases(ALL_CASES, options))
    console.log(`${group}: ${name}\n    ${why}`);
  return EXIT.done;
}

function compare([first = '', second = '']: readonly string[]): number {
  console.log(compareRecords(readRecord(first), readRecord(second)));
  return EXIT.done;
}

function report(path: string): number {
  writeReports(readRecord(path), path.replace(/\.json$/, ''));
  return EXIT.done;
}

async function run(options: BenchOptions, args: readonly string[]): Promise<BenchRecord> {
  const places = openPlaces();
  const workFolder = mkdtempSync(join(tmpdir(), 'regraft-bench-work-'));
  const { env: environment } = process;
  const folders = { memory: places.memory.folder, disk: places.disk.folder };
  const machine = machineFacts(folders, environment);
  const cases = selectCases(ALL_CASES, options);
  const records: CaseRecord[] = [];
  let seconds = 0;
  const clean = () => {
    for (const each of [folders.memory, folders.disk, workFolder])
      rmSync(each, { recursive: true, force: true });
  };
  // What is left in memory would be missing there.
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      clean();
      process.exit(status);
    });
  }
  try {
    for (const [index, bench] of cases.entries()) {
      progress(`[${index + 1}/${cases.length}] ${bench.name}: input`);
      const input = await makeInput(bench, options);
      const begin = performance.now();
      const { folder, removesAtOnce, settle } = places[bench.place ?? 'memory'];
      const outputFolder = join(folder, `case${index}`);
      const caseFolder = join(workFolder, `case${index}`);
      const { rounds } = options;
      const how = { rounds, input, outputFolder, removesAtOnce, settle, environment, workFolder: caseFolder };
      records.push(await runCase(bench, { ...how, onProgress: (text) => progress(`    ${text}`) }));
      seconds += (performance.now() - begin) / 1000;
    }
  } finally {
    clean();
  }
  const command = [
    'npm run bench --',
    ...args.map((arg) => (arg.includes(' ') ? JSON.stringify(arg) : arg)),
  ].join(' ');
  const facts = {
    format: RECORD_FORMAT,
    date: new Date().toISOString(),
    seconds,
    command,
    isQuick: options.isQuick,
  } as const;
  return { ...facts, machine, cases: records };
}

/** A generated cache lies in the inputs' folder for the next run; the first time may take minutes. */
async function makeInput({ input }: BenchCase, { inputFolder }: BenchOptions) {
  mkdirSync(inputFolder, { recursive: true });
  return prepareInput(inputFolder, input, progress);
}

function progress(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

/** `<out>/<date>-<machine>`, without extension. */
function writeRecord(record: BenchRecord, outFolder: string): string {
  mkdirSync(outFolder, { recursive: true });
  const machine = record.machine.name.replaceAll(/[^A-Za-z0-9.-]+/g, '-');
  const kind = record.isQuick ? '-quick' : '';
  const path = join(outFolder, `${record.date.slice(0, 10)}-${machine}${kind}`);
  writeFileSync(`${path}.json`, `${JSON.stringify(record, undefined, 1)}\n`);
  return path;
}

function writeReports(record: BenchRecord, path: string): void {
  writeFileSync(`${path}.md`, markdownReport(record));
  writeFileSync(`${path}.html`, htmlReport(record));
}

process.exitCode = await main(process.argv.slice(2));
