// `regraft list`: the packages in build caches.
import type { Command } from 'commander';
import type { MetadataError } from '../../core/errors.js';
import type { PackageCatalog } from '../../mirror/index/package-catalog.js';
import { type ListedPackage, listPackages } from '../../operations/query/list.js';
import type { DagHash, SpecNode } from '../../spec/spec.js';
import type { Console } from '../console.js';
import { EXIT } from '../exit-code.js';
import { addMirrorOptions, closeMirrors, loadCatalog, type MirrorFlags, openMirrors } from '../options.js';
import { nodeAsJson, packageLines } from '../render/render-packages.js';
import type { CommandRun } from '../run.js';

interface ListFlags extends MirrorFlags {
  readonly long?: boolean;
  readonly veryLong?: boolean;
  readonly variants?: boolean;
}

export function addListCommand(program: Command, run: CommandRun): void {
  const command = program
    .command('list')
    .description('list the packages of build caches')
    .argument('[spec...]', 'only packages that match one of these')
    .option('-l, --long', 'show the beginning of the hash')
    .option('-L, --very-long', 'show the whole hash')
    .option('-v, --variants', 'show variants and flags');
  addMirrorOptions(command).action((queries: string[], flags: ListFlags) =>
    run(flags, async (console, signal) => {
      const mirrors = await openMirrors(flags, console);
      try {
        const catalog = await loadCatalog(mirrors, flags, console, signal);
        const onUnreadable = (error: MetadataError) => console.warn(`Left out: ${error.message}`);
        const packages = listPackages({ catalog, queries, onUnreadable });
        if (console.json === undefined) printPackages(packages, catalog, flags, console);
        else
          console.result({
            packages: packages.map(({ node, mirrors: urls }) => ({ ...nodeAsJson(node), mirrors: urls })),
          });
        // An empty build cache is a valid answer; no match for a query is "not found".
        return queries.length > 0 && packages.length === 0 ? EXIT.notFound : EXIT.done;
      } finally {
        await closeMirrors(mirrors);
      }
    }),
  );
}

function printPackages(
  packages: readonly ListedPackage[],
  catalog: PackageCatalog,
  flags: ListFlags,
  console: Console,
): void {
  const lookup = (hash: DagHash) => catalog.node(hash);
  for (const line of packageLines(nodesOf(packages), { ...flags, lookup })) console.line(line);
}

/** Yields one at a time: all of them together would take much memory. */
function* nodesOf(packages: readonly ListedPackage[]): Iterable<SpecNode> {
  for (const { node } of packages) yield node;
}
