// The files of a record: rewritten after every case, so that an interrupted run keeps what it has measured.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchRecord } from './record.js';
import { htmlReport } from './report/html.js';
import { markdownReport } from './report/markdown.js';

/** `<out>/<date>-<machine>`, without extension; a number is appended if that name exists. */
export function newRecordPath({ date, machine, isQuick }: BenchRecord, outFolder: string): string {
  mkdirSync(outFolder, { recursive: true });
  const name = machine.name.replaceAll(/[^A-Za-z0-9.-]+/g, '-');
  const path = join(outFolder, `${date.slice(0, 10)}-${name}${isQuick ? '-quick' : ''}`);
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? path : `${path}-${number}`;
    if (!existsSync(`${numbered}.json`)) return numbered;
  }
}

/** The record and both reports; each appears complete or not at all. */
export function writeRecord(record: BenchRecord, path: string): void {
  replaceFile(`${path}.json`, `${JSON.stringify(record, undefined, 1)}\n`);
  writeReports(record, path);
}

export function writeReports(record: BenchRecord, path: string): void {
  replaceFile(`${path}.md`, markdownReport(record));
  replaceFile(`${path}.html`, htmlReport(record));
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.partial`, text);
  renameSync(`${path}.partial`, path);
}
