// `regraft index`: makes the package index of a build cache from its specfiles.
import type { Command } from 'commander';
import { indexMirror } from '../../operations/publish/index-mirror.js';
import { EXIT } from '../exit-code.js';
import { wholeNumber } from '../options.js';
import { ProgressLines } from '../progress-lines.js';
import { openPushMirror } from '../push-mirror.js';
import { count, formatBytes } from '../render/format.js';
import type { CommandRun } from '../run.js';

interface IndexFlags {
  readonly keys?: boolean;
  readonly jobs?: number;
}

export function addIndexCommand(program: Command, run: CommandRun): void {
  program
    .command('index')
    .description('write the index of a build cache')
    .argument('<mirror>', 'a path, a file: URL, or a configured name')
    .option('--keys', 'write the index of its keys too')
    .option('-j, --jobs <n>', 'number of specfiles to read at a time', wholeNumber('--jobs', 1))
    .action((reference: string, flags: IndexFlags) =>
      run(flags, async (console, signal) => {
        const mirror = await openPushMirror(reference);
        const progress = new ProgressLines(console);
        try {
          const onProgress = progress.handle.bind(progress);
          const report = await indexMirror({ ...flags, mirror }, { signal, onProgress });
          const { packages, size, unreadable, keys } = report;
          const left = unreadable.length === 0 ? '' : `, ${count(unreadable.length, 'specfile')} left out`;
          const named = keys === undefined ? '' : `, ${count(keys.fingerprints.length, 'key')}`;
          console.line(
            `indexed ${count(packages, 'package')}${named}${left}, ${formatBytes(size)}, at ${mirror.cache.url}`,
          );
          console.result(report);
          return EXIT.done;
        } finally {
          progress.end();
          await mirror.cache.close?.();
        }
      }),
    );
}
