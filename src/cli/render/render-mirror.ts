// The reports about a build cache as a whole.
import type { CheckedLayer } from '../../operations/mirror/cache-check.js';
import type { CheckMirrorReport } from '../../operations/mirror/check-mirror.js';
import type { Finding } from '../../operations/mirror/findings.js';
import type { MigrateReport } from '../../operations/mirror/migrate-mirror.js';
import type { MigratedPackage } from '../../operations/mirror/migration.js';
import type { PruneReport } from '../../operations/mirror/prune/prune-mirror.js';
import { type Console, describeError } from '../console.js';
import { count, formatBytes, formatDuration } from './format.js';

/** Prints what was found; in JSON modes the report as it is. */
export function renderMirrorCheck(report: CheckMirrorReport, console: Console): void {
  for (const finding of report.findings) printFinding(finding, console);
  for (const layer of report.layers) console.line(describeLayer(layer));
  console.line(summarizeCheck(report));
  console.result(report);
}

function printFinding({ severity, code, message, hint }: Finding, console: Console): void {
  console.line(`${severity}: ${message}`);
  if (hint !== undefined && severity === 'error') console.line(`  hint: ${hint}`);
  console.line(`  code: ${code}`);
}

function describeLayer({ layouts, packages, contents, bytes, indexes, keys }: CheckedLayer): string {
  const content = count(contents, layouts === '0-2' ? 'tarball' : 'blob');
  return [
    `${layouts === 'oci' ? 'registry' : `layout ${layouts}`}: ${count(packages, 'package')}`,
    `${content} of ${formatBytes(bytes)}`,
    count(indexes, 'index', 'indexes'),
    count(keys, 'key'),
  ].join(', ');
}

function summarizeCheck({ findings, mirror, deep, milliseconds, layers }: CheckMirrorReport): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const notes = findings.length - errors;
  const what = errors === 0 ? 'nothing is wrong' : `${count(errors, 'error')}`;
  const empty = layers.length === 0 ? ', but there is nothing' : '';
  const more = notes === 0 ? '' : `, ${count(notes, 'note')}`;
  const how = deep ? 'checked deeply' : 'checked without reading tarballs';
  return `${what}${empty}${more}, ${how} in ${formatDuration(milliseconds)}, at ${mirror}`;
}

/** Prints a line per package, the errors, and a summary. */
export function renderMigration(report: MigrateReport, console: Console): void {
  for (const each of report.packages) {
    console.line(describeMigrated(each));
    if (each.error !== undefined) console.err.write(console.shown(describeError(each.error)));
  }
  console.line(summarizeMigration(report));
  console.result(report);
}

function describeMigrated({
  name,
  version,
  hash,
  outcome,
  bytes,
  signed,
  recompressed,
}: MigratedPackage): string {
  const title = name === '' ? `/${hash}` : `${name}@${version}/${hash.slice(0, 7)}`;
  const how = signed === undefined ? '' : signed ? ', signed' : ', unsigned';
  const anew = recompressed ? ', compressed anew with gzip' : '';
  const size = outcome === 'migrated' ? `  ${formatBytes(bytes)}${how}${anew}` : '';
  return `${outcome.replaceAll('-', ' ').padEnd(13)} ${title}${size}`;
}

function summarizeMigration({ packages, deleted, destination, milliseconds }: MigrateReport): string {
  const numberOf = (outcome: MigratedPackage['outcome']) =>
    packages.filter((each) => each.outcome === outcome).length;
  const parts = [
    `${numberOf('migrated')} migrated`,
    numberOf('already-there') > 0 && `${numberOf('already-there')} already there`,
    numberOf('failed') > 0 && `${numberOf('failed')} failed`,
    deleted !== undefined && `${count(deleted.files, 'old file')} of ${formatBytes(deleted.bytes)} removed`,
  ];
  const what =
    packages.length === 0 ? 'nothing to migrate' : parts.filter((part) => part !== false).join(', ');
  return `${what}, in ${formatDuration(milliseconds)}, to ${destination}`;
}

/** Prints a line per thing that was removed, or would be, and a summary. */
export function renderPrune(report: PruneReport, console: Console): void {
  const { removed, indexes, dryRun, bytes, kept, mirror, milliseconds } = report;
  for (const thing of removed)
    console.line(
      `${thing.reason.replaceAll('-', ' ').padEnd(12)} ${formatBytes(thing.bytes).padStart(8)}  ${thing.location}`,
    );
  for (const { location, hashes, outcome } of indexes) {
    const what = `${count(hashes.length, 'package')} that ${dryRun ? 'would be' : 'are'} removed`;
    console.line(
      `${outcome === 'left' ? 'index left, with' : 'index rewritten, without'} ${what}: ${location}`,
    );
  }
  const files = `${count(removed.length, 'file')} of ${formatBytes(bytes)}`;
  const did = dryRun ? `would remove ${files}` : `removed ${files}`;
  console.line(`${did}, kept ${count(kept, 'package')}, in ${formatDuration(milliseconds)}, at ${mirror}`);
  console.result(report);
}
