// `regraft bench`: compares the engines on the user's packages and trees.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Summary } from '../../core/statistics.js';
import { install } from '../../operations/install/install.js';
import { openStoreForWriting } from '../../operations/open-store.js';
import { resolveSpecs } from '../../operations/query/resolve-specs.js';
import { relocateAnyTree } from '../../operations/relocate/relocate-any-tree.js';
import type { EngineName } from '../../relocation/engines/select.js';
import { defaultTrustedKeysFolder, Keyring } from '../../signature/keys/keyring.js';
import type { Console } from '../console.js';
import { ENGINE_NAMES, type EngineResult, type EngineWork, measureEngines } from '../engine-rounds.js';
import { EXIT } from '../exit-code.js';
import {
  addMirrorOptions,
  closeMirrors,
  loadCatalog,
  type MirrorFlags,
  openMirrors,
  readNamedFile,
  wholeNumber,
} from '../options.js';
import { formatTable } from '../render/format.js';
import type { CommandRun } from '../run.js';
import { storeDigest } from '../store-digest.js';
import { byteString, existingDirectory, parsePairs } from './relocate.js';

interface RoundFlags {
  readonly rounds: number;
  readonly engine?: readonly EngineName[];
}

interface InstallFlags extends RoundFlags, MirrorFlags {
  readonly folder?: string;
  readonly workers?: number;
  readonly keyring?: readonly string[];
  readonly checkSignature: boolean;
}

interface RelocateFlags extends RoundFlags {
  readonly map: readonly string[];
}

export function addBenchCommand(program: Command, run: CommandRun): void {
  const bench = program.command('bench').description('compare the engines on your own packages and trees');
  addBenchInstall(bench, run);
  addBenchRelocate(bench, run);
}

function addBenchInstall(bench: Command, run: CommandRun): void {
  const command = bench
    .command('install')
    .description('install packages into stores that are removed afterwards')
    .argument('<spec...>', 'as for "regraft install"')
    .option('--folder <dir>', 'where to make the stores (default: the temporary folder)')
    .option(
      '--workers <n>',
      'maximum number of worker threads for large packages',
      wholeNumber('--workers', 0),
    )
    .option('-k, --keyring <file...>', 'public keys to trust in addition to the trusted-keys folder')
    .option('--no-check-signature', 'do not check signatures');
  addMirrorOptions(addRoundOptions(command)).action((queries: string[], flags: InstallFlags) =>
    run(flags, (console, signal) => benchInstall({ queries, flags, console, signal })),
  );
}

function addBenchRelocate(bench: Command, run: CommandRun): void {
  const command = bench
    .command('relocate')
    .description('search a tree for prefixes; writes nothing')
    .argument('<tree>', 'directory')
    .requiredOption('--map <old=new...>', 'old and new prefix; the first match wins');
  addRoundOptions(command).action((tree: string, flags: RelocateFlags) =>
    run(flags, (console, signal) => benchRelocate({ tree, flags, console, signal })),
  );
}

function addRoundOptions(command: Command): Command {
  return command
    .option('--rounds <n>', 'measured rounds, after one warm-up round', wholeNumber('--rounds', 1), 5)
    .addOption(new Option('--engine <name...>', 'only these engines').choices(ENGINE_NAMES));
}

interface InstallRun {
  readonly queries: readonly string[];
  readonly flags: InstallFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function benchInstall({ queries, flags, console, signal }: InstallRun): Promise<number> {
  const mirrors = await openMirrors(flags, console);
  const folder = mkdtempSync(join(resolve(flags.folder ?? tmpdir()), 'regraft-bench-'));
  try {
    const catalog = await loadCatalog(mirrors, flags, console, signal);
    const offline = flags.offline ?? false;
    const specs = await resolveSpecs({ queries, catalog, mirrors, readFile: readNamedFile, offline, signal });
    const trustedKeysFolder = defaultTrustedKeysFolder();
    const keyring = await Keyring.load({ files: flags.keyring, trustedKeysFolder });
    const { workers, checkSignature } = flags;
    let turn = 0;
    const work: EngineWork = async (engine) => {
      // Removed at the very end: on ext4, files made right after a large removal take longer.
      const root = join(folder, `store${String(turn++).padStart(4, '0')}`);
      const store = await openStoreForWriting({ root, environment: {}, signal });
      const request = { specs, store, mirrors, catalog, keyring, engine, workers, checkSignature };
      const { packages } = await install({ ...request, failFast: true }, { signal });
      for (const { error } of packages) if (error !== undefined) throw error;
      return () => storeDigest(root);
    };
    return await measureAndPrint({ flags, console, signal, work });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await closeMirrors(mirrors);
  }
}

interface RelocateRun {
  readonly tree: string;
  readonly flags: RelocateFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function benchRelocate({ tree, flags, console, signal }: RelocateRun): Promise<number> {
  const mapping = parsePairs('--map', flags.map);
  const path = byteString(existingDirectory(tree));
  const work: EngineWork = async ({ engine }) => {
    const report = relocateAnyTree({
      tree: path,
      mapping,
      engine,
      isDryRun: true,
      onWarning: () => {},
      signal,
    });
    return () => JSON.stringify(report.changed);
  };
  return measureAndPrint({ flags, console, signal, work });
}

interface Measuring {
  readonly flags: RoundFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
  readonly work: EngineWork;
}

async function measureAndPrint({ flags, console, signal, work }: Measuring): Promise<number> {
  const { rounds, engine: engines = ENGINE_NAMES } = flags;
  const onRound = (text: string) => console.event({ type: 'bench-round', text });
  const results = await measureEngines({ engines, rounds, work, signal, onRound });
  for (const line of resultLines(results)) console.line(line);
  console.result({ rounds, engines: results });
  return EXIT.done;
}

function resultLines(results: readonly EngineResult[]): string[] {
  const rows = results.map(({ engine, wall, cpu, ratio, missing }) =>
    missing === undefined
      ? [engine, inMilliseconds(wall), inMilliseconds(cpu), ratio?.median.toFixed(2) ?? '']
      : [engine, 'missing', '', missing],
  );
  return formatTable([['engine', 'wall', 'CPU', 'wall relative to the first'], ...rows]);
}

function inMilliseconds(summary: Summary | undefined): string {
  return summary === undefined
    ? ''
    : `${summary.median.toFixed(1)} ms ± ${((summary.spread / 2) * 100).toFixed(1)} %`;
}
