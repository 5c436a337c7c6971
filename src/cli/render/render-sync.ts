// The report of copying one mirror to another.
import type { SyncReport } from '../../operations/mirror/sync/sync-mirror.js';
import type { SyncedPackage } from '../../operations/mirror/sync/synchronization.js';
import { type Console, describeError } from '../console.js';
import { count, formatBytes, formatDuration } from './format.js';

/** Prints a line per package, the errors, and a summary; in JSON modes the report as it is. */
export function renderSync(report: SyncReport, console: Console): void {
  for (const each of report.packages) {
    console.line(describeSynced(each));
    if (each.error !== undefined) console.err.write(console.shown(describeError(each.error)));
  }
  for (const { view, outcome, packages } of report.views ?? [])
    console.line(`${words(outcome).padEnd(13)} view "${view}" of ${count(packages, 'package')}`);
  for (const fingerprint of report.keys?.copied ?? []) console.line(`copied        key ${fingerprint}`);
  console.line(summarize(report));
  console.result(report);
}

function describeSynced({ name, version, hash, outcome, moved, there, anew }: SyncedPackage): string {
  const signed = anew === undefined ? '' : `, ${signatureOf(anew)}`;
  const compressed = anew?.recompressed ? ', compressed anew' : '';
  const kept = there > 0 ? `, ${formatBytes(there)} there` : '';
  const isSent = outcome === 'copied' || outcome === 'would-copy';
  const size = isSent ? `  ${formatBytes(moved)}${kept}${signed}${compressed}` : '';
  return `${words(outcome).padEnd(13)} ${name}@${version}/${hash.slice(0, 7)}${size}`;
}

function words(outcome: string): string {
  return outcome.replaceAll('-', ' ');
}

function summarize(report: SyncReport): string {
  const { packages, dryRun, moved, there, unreadable, destination, milliseconds } = report;
  const numberOf = (outcome: SyncedPackage['outcome']) =>
    packages.filter((each) => each.outcome === outcome).length;
  const sent = dryRun ? `would copy ${numberOf('would-copy')}` : `${numberOf('copied')} copied`;
  const parts = [
    sent,
    numberOf('already-there') > 0 && `${numberOf('already-there')} already there`,
    numberOf('failed') > 0 && `${numberOf('failed')} failed`,
    unreadable.length > 0 && `${unreadable.length} left out`,
    `${formatBytes(moved)} ${dryRun ? 'to move' : 'moved'}`,
    there > 0 && `${formatBytes(there)} there`,
  ];
  const what = packages.length === 0 ? 'nothing to copy' : parts.filter((part) => part !== false).join(', ');
  return `${what}, in ${formatDuration(milliseconds)}, to ${destination}`;
}

function signatureOf({ isSigned, keepsSignature }: NonNullable<SyncedPackage['anew']>): string {
  if (!isSigned) return 'unsigned';
  return keepsSignature ? 'with its signature' : 'signed anew';
}
