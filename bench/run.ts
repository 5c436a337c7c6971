// `npm run bench`: runs the selected cases, writes the record and its reports. Progress goes to stderr.
import { BenchRun } from './bench-run.js';
import { compareRecords } from './compare.js';
import { ALL_CASES } from './definitions/all.js';
import { type BenchOptions, parseOptions, selectCases, USAGE } from './options.js';
import { type BenchRecord, problemsOf, readRecord } from './record.js';
import { newRecordPath, writeRecord, writeReports } from './record-file.js';
import { markdownReport } from './report/markdown.js';

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
  console.log(markdownReport(record));
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
  writeReports(readRecord(path), withoutExtension(path));
  return EXIT.done;
}

async function run(options: BenchOptions, args: readonly string[]): Promise<BenchRecord> {
  const { resume, outFolder } = options;
  let path = resume === undefined ? undefined : withoutExtension(resume);
  const bench = new BenchRun({
    options,
    args,
    cases: selectCases(ALL_CASES, options),
    earlier: resume === undefined ? undefined : readRecord(resume),
    environment: process.env,
    onProgress: (text) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`),
    onRecord: (record) => {
      path ??= newRecordPath(record, outFolder);
      writeRecord(record, path);
    },
  });
  // The record already has every finished case. A second signal must not stop the cleanup.
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      bench.clean();
      console.error(`Interrupted. Continue with: npm run bench -- --resume ${path}.json`);
      process.exit(status);
    });
  }
  try {
    return await bench.run();
  } finally {
    bench.clean();
    console.error(`Record: ${path}.json, reports: ${path}.md, ${path}.html`);
  }
}

function withoutExtension(path: string): string {
  return path.replace(/\.json$/, '');
}

process.exitCode = await main(process.argv.slice(2));
