// The report of a push: a line per package, the errors, and a summary.
import type { PushedReport, PushReport } from '../../operations/publish/push.js';
import { type Console, describeError } from '../console.js';
import { count, formatBytes, formatDuration } from './format.js';

/** Prints a report; in JSON modes as it is. */
export function renderPushReport(report: PushReport, console: Console): void {
  for (const each of report.packages) {
    console.line(describePackage(each));
    if (each.outcome === 'failed') console.err.write(console.shown(describeError(each.error)));
  }
  if (report.image !== undefined) console.line(`image         ${report.image.location}`);
  console.line(summarize(report));
  console.result(report);
}

function describePackage({ name, version, hash, outcome, details }: PushedReport): string {
  const title = `${outcome.replaceAll('-', ' ').padEnd(13)} ${name}@${version}/${hash.slice(0, 7)}`;
  if (details === undefined) return title;
  const { bytes, compressedBytes, files, signed, relocatable } = details;
  const { text, binaries, links } = relocatable;
  return [
    `${title}  ${formatBytes(bytes)} -> ${formatBytes(compressedBytes)}, ${count(files, 'file')}`,
    `to relocate: ${text} text, ${binaries} binary, ${count(links, 'link')}`,
    signed ? 'signed' : 'unsigned',
  ].join('; ');
}

function summarize({ packages, mirror, milliseconds }: PushReport): string {
  const numberOf = (outcome: PushedReport['outcome']) =>
    packages.filter((each) => each.outcome === outcome).length;
  const parts = [
    `${numberOf('pushed')} pushed`,
    numberOf('already-there') > 0 &&
      `${numberOf('already-there')} already there (push them again with --force)`,
    numberOf('failed') > 0 && `${numberOf('failed')} failed`,
    numberOf('skipped') > 0 && `${numberOf('skipped')} skipped`,
  ];
  const what = packages.length === 0 ? 'nothing to push' : parts.filter((part) => part !== false).join(', ');
  return `${what}, in ${formatDuration(milliseconds)}, to ${mirror}`;
}
