// The report of an installation: a line per package, the errors, and a summary.
import type { InstallReport } from '../../operations/install/install.js';
import type { InstalledPackage } from '../../operations/install/install-package.js';
import type { PackageReport } from '../../operations/install/package-report.js';
import { type Console, describeError } from '../console.js';
import { count, formatBytes, formatDuration } from './format.js';

/** Prints a report; in JSON modes as it is. */
export function renderInstallReport(report: InstallReport, console: Console): void {
  for (const each of report.packages) {
    console.line(describePackage(each));
    if (each.outcome === 'failed') console.err.write(console.shown(describeError(each.error)));
  }
  console.line(summarize(report));
  console.result(report);
}

function describePackage({ name, version, hash, outcome, details, error }: PackageReport): string {
  const title = `${outcome.padEnd(17)} ${name}@${version}/${hash.slice(0, 7)}`;
  if (outcome === 'skipped') return `${title}  ${error?.message ?? ''}`;
  return details === undefined ? title : `${title}  ${describeDetails(details)}`;
}

function describeDetails(details: InstalledPackage): string {
  const { compressedBytes, bytes, files, relocation, phases, verified } = details;
  const times = Object.entries(phases).map(([phase, time]) => `${phase} ${time.toFixed(1)}`);
  return [
    `${formatBytes(compressedBytes)} -> ${formatBytes(bytes)} in ${count(files, 'file')}`,
    verified ? 'signature verified' : 'signature not checked',
    describeRelocation(relocation),
    `ms: ${times.join(', ')}`,
  ].join('; ');
}

function describeRelocation(counts: InstalledPackage['relocation']): string {
  const parts = [
    counts.text > 0 && count(counts.text, 'text file'),
    counts.binaries > 0 &&
      `${count(counts.binaries, 'binary', 'binaries')} (${count(counts.rpaths, 'rpath')}, ${count(counts.cStrings, 'C string')})`,
    counts.links > 0 && count(counts.links, 'link'),
    counts.sbang > 0 && `${counts.sbang} with sbang`,
  ].filter((part) => part !== false);
  const relocated = parts.length === 0 ? 'nothing to relocate' : `relocated ${parts.join(', ')}`;
  if (counts.droppedRpaths === 0) return relocated;
  const dropped = count(counts.droppedRpaths, 'rpath that leads nowhere', 'rpaths that lead nowhere');
  return `${relocated}; dropped ${dropped}`;
}

function summarize({ packages, root, engine, milliseconds }: InstallReport): string {
  const numbers = ['installed', 'already-installed', 'failed', 'skipped'].map((outcome) => {
    const number = packages.filter((each) => each.outcome === outcome).length;
    return number === 0 ? '' : `${number} ${outcome.replace('-', ' ')}`;
  });
  const what = numbers.filter((text) => text !== '').join(', ') || 'nothing to do';
  return `${what}, in ${formatDuration(milliseconds)}, at ${root} (engine ${engine.name}: ${engine.reason})`;
}
