// `regraft check`: which packages no build cache has, so that they would have to be built again.
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.js';
import { describeSystemError } from '../../host/system-error.js';
import { openStore } from '../../operations/open-store.js';
import { type CheckReport, checkSpecs, resolveCheckedSpecs } from '../../operations/query/check.js';
import type { Console } from '../console.js';
import { EXIT } from '../exit-code.js';
import {
  addStoreOptions,
  closeMirrors,
  loadCatalog,
  type MirrorFlags,
  openMirrors,
  readNamedFile,
  type StoreFlags,
  VIEW_OPTION,
} from '../options.js';
import { count } from '../render/format.js';
import type { CommandRun } from '../run.js';

interface CheckFlags extends MirrorFlags, StoreFlags {
  readonly output?: string;
}

export function addCheckCommand(program: Command, run: CommandRun): void {
  const command = program
    .command('check')
    .description('list packages that are missing from build caches')
    .argument(
      '<spec...>',
      'installed packages by name, name@version, /hash or any spec; x.spec.json; or spack.lock with all its packages',
    )
    .option(
      '-m, --mirror <url...>',
      'build cache to check: a URL, a path, or a configured name (default: all configured)',
    )
    .option('--view <name>', VIEW_OPTION)
    .option('--ca-file <file>', 'certificate authorities to trust for https, in PEM')
    .option('-o, --output <file>', 'write the report to a file, as JSON');
  addStoreOptions(command).action((queries: string[], flags: CheckFlags) =>
    run(flags, async (console, signal) => {
      const mirrors = await openMirrors(flags, console);
      try {
        const { root, spackPrefix, upstream } = flags;
        const store = () => openStore({ root, spackPrefix, upstreams: upstream ?? [] });
        const specs = await resolveCheckedSpecs({ queries, openStore: store, readFile: readNamedFile });
        const views = mirrors.filter(({ cache }) => cache.view !== undefined);
        const catalog = views.length === 0 ? undefined : await loadCatalog(views, flags, console, signal);
        const report = await checkSpecs({ specs, mirrors, catalog }, { signal });
        if (flags.output !== undefined) await writeReport(flags.output, report);
        printReport(report, console);
        console.result(report);
        return Object.keys(report).length === 0 ? EXIT.done : EXIT.failed;
      } finally {
        await closeMirrors(mirrors);
      }
    }),
  );
}

function printReport(report: CheckReport, console: Console): void {
  for (const { mirrorUrl, rebuildSpecs } of Object.values(report)) {
    console.line(`${mirrorUrl} lacks ${count(rebuildSpecs.length, 'package')}:`);
    for (const { short_spec } of rebuildSpecs) console.line(`  ${short_spec}`);
  }
  if (Object.keys(report).length === 0) console.line('nothing is missing');
}

async function writeReport(file: string, report: CheckReport): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(report)}\n`);
  } catch (cause) {
    throw new UsageError('usage', `Cannot write "${file}": ${describeSystemError(cause)}`, {
      cause,
      data: { path: file },
    });
  }
}
