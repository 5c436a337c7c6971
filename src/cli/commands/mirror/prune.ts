// `regraft mirror prune`: removes what nobody needs from a build cache of layout 3.
import type { Command } from 'commander';
import { UsageError } from '../../../core/errors.js';
import { parseKeepList } from '../../../operations/mirror/prune/keep-list.js';
import { pruneMirror } from '../../../operations/mirror/prune/prune-mirror.js';
import type { Console } from '../../console.js';
import { EXIT } from '../../exit-code.js';
import { openPushMirror } from '../../mirrors/push-mirror.js';
import { readNamedFile, wholeNumber } from '../../options.js';
import { renderPrune } from '../../render/render-mirror.js';
import type { CommandRun } from '../../run.js';

interface PruneFlags {
  readonly keep?: readonly string[];
  readonly keepYoungerThan?: number;
  readonly age: number;
  readonly dryRun?: boolean;
  readonly keepIndexes?: boolean;
  readonly jobs?: number;
}

const HOUR = 3_600_000;

export function addMirrorPruneCommand(mirror: Command, run: CommandRun): void {
  mirror
    .command('prune')
    .description(
      'remove incomplete packages, unreferenced blobs, uploads that were given up, and packages that are not kept (layout 3)',
    )
    .argument('<mirror>', 'a path, a file: URL, or a configured name')
    .option(
      '--keep <file...>',
      'keep only the packages of these files: spack.lock, spec.json, or a hash a line',
    )
    .option(
      '--keep-younger-than <days>',
      'keep only packages that are younger, and those of --keep',
      wholeNumber('--keep-younger-than', 0),
    )
    .option(
      '--age <hours>',
      'leave everything alone that is younger (a push may be running)',
      wholeNumber('--age', 0),
      24,
    )
    .option('-n, --dry-run', 'only list what would be removed')
    .option('--keep-indexes', 'leave indexes and views as they are, and only report what they name in vain')
    .option('-j, --jobs <n>', 'number of manifests to read at a time', wholeNumber('--jobs', 1))
    .action((reference: string, flags: PruneFlags) =>
      run(flags, (console, signal) => pruneCommand({ reference, flags, console, signal })),
    );
}

interface PruneCommand {
  readonly reference: string;
  readonly flags: PruneFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function pruneCommand({ reference, flags, console, signal }: PruneCommand): Promise<number> {
  const { age, dryRun = false, keepIndexes, jobs, keepYoungerThan: days } = flags;
  const isByAge = flags.keep === undefined && days !== undefined;
  const keep = flags.keep === undefined && !isByAge ? undefined : await readKeepLists(flags.keep ?? []);
  if (keep?.size === 0 && !isByAge)
    throw new UsageError(
      'usage',
      'Cannot prune: the keep lists name no package, so everything would be removed',
    );
  const mirror = await openPushMirror(reference);
  try {
    const keepYoungerThan = days === undefined ? undefined : days * 24 * HOUR;
    const request = { mirror, keep, keepYoungerThan, age: age * HOUR, dryRun, keepIndexes, jobs };
    renderPrune(await pruneMirror(request, { signal }), console);
    return EXIT.done;
  } finally {
    await mirror.cache.close?.();
  }
}

async function readKeepLists(files: readonly string[]): Promise<ReadonlySet<string>> {
  const keep = new Set<string>();
  for (const file of files) for (const hash of parseKeepList(await readNamedFile(file), file)) keep.add(hash);
  return keep;
}
