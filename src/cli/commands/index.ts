// `regraft index`: makes the package index of a build cache from its specfiles, or a view of some of its packages.
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import { indexKeys } from '../../operations/keys/publish-keys.js';
import { type IndexReport, indexMirror } from '../../operations/publish/index-mirror.js';
import { selectPackages } from '../../operations/publish/select-packages.js';
import { findView, type ViewMode, writeView } from '../../operations/publish/write-view.js';
import type { Console } from '../console.js';
import { EXIT } from '../exit-code.js';
import { openPushMirror } from '../mirrors/push-mirror.js';
import { readNamedFile, wholeNumber } from '../options.js';
import { ProgressLines } from '../progress-lines.js';
import { count, formatBytes } from '../render/format.js';
import type { CommandRun } from '../run.js';

interface IndexFlags {
  readonly view?: string;
  readonly force?: boolean;
  readonly append?: boolean;
  readonly keys?: boolean;
  readonly jobs?: number;
}

export function addIndexCommand(program: Command, run: CommandRun): void {
  program
    .command('index')
    .description('write the index of a build cache, or a view: an index of some of its packages')
    .argument('<mirror>', 'a path, a file: URL, or a configured name')
    .argument(
      '[spec...]',
      'packages for the view, with what they need: name, /hash, any spec, x.spec.json or spack.lock (default: all)',
    )
    .option('--view <name>', 'view to write, in layout 3 (default: the one configured for the mirror)')
    .option('-f, --force', 'replace the view if it is there')
    .option('-a, --append', 'add to the view if it is there')
    .option('--keys', 'write the index of its keys too')
    .option('-j, --jobs <n>', 'number of specfiles to read at a time', wholeNumber('--jobs', 1))
    .action((reference: string, queries: string[], flags: IndexFlags) =>
      run(flags, async (console, signal) => {
        const mode = modeOf(flags);
        const mirror = await openPushMirror(reference, { view: flags.view });
        const progress = new ProgressLines(console);
        try {
          const options = { signal, onProgress: progress.handle.bind(progress) };
          const isView = mirror.cache.view !== undefined;
          if (!isView) refuseViewArguments(queries, flags);
          const report = isView
            ? await indexView({ mirror, queries, mode, ...flags }, options)
            : await indexMirror({ ...flags, mirror }, options);
          print(report, mirror, console);
          return EXIT.done;
        } finally {
          progress.end();
          await mirror.cache.close?.();
        }
      }),
    );
}

function modeOf({ force, append }: IndexFlags): ViewMode {
  if (force && append)
    throw new UsageError('usage', 'Cannot use --append with --force', { hint: 'Use one of them' });
  return force ? 'replace' : append ? 'append' : 'create';
}

function refuseViewArguments(queries: readonly string[], { force, append }: IndexFlags): void {
  const flag = force ? '--force' : append ? '--append' : undefined;
  const what = queries[0] === undefined ? flag : `"${queries[0]}"`;
  if (what === undefined) return;
  throw new UsageError(
    'usage',
    `Cannot use ${what} for the index: it has everything, and is always replaced`,
    {
      hint: 'Name a view with --view',
    },
  );
}

interface ViewCommand extends Omit<IndexFlags, 'view'> {
  readonly mirror: Mirror;
  readonly queries: readonly string[];
  readonly mode: ViewMode;
}

async function indexView(
  { mirror, queries, mode, keys, jobs }: ViewCommand,
  options: OperationOptions,
): Promise<IndexReport & { readonly view: string | undefined }> {
  // Before anything is read for nothing.
  await findView({ mirror, mode }, options);
  const request = { mirror, queries, readFile: readNamedFile, jobs };
  const { packages, unreadable: unknown } = await selectPackages(request, options);
  const { index, unreadable } = await writeView({ mirror, packages, mode, jobs }, options);
  const { location: _, ...numbers } = index;
  return {
    mirror: mirror.cache.url,
    view: mirror.cache.view,
    ...numbers,
    indexes: [index],
    unreadable: [...unknown, ...unreadable],
    keys: keys ? await indexKeys(mirror, options) : undefined,
  };
}

function print(report: IndexReport, { cache: { url, view } }: Mirror, console: Console): void {
  const { packages, size, unreadable, keys } = report;
  const left = unreadable.length === 0 ? '' : `, ${count(unreadable.length, 'specfile')} left out`;
  const named = keys === undefined ? '' : `, ${count(keys.fingerprints.length, 'key')}`;
  const into = view === undefined ? '' : ` in the view "${view}"`;
  console.line(
    `indexed ${count(packages, 'package')}${into}${named}${left}, ${formatBytes(size)}, at ${url}`,
  );
  console.result(report);
}
