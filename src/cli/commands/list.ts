// `regraft list`: the packages that build caches have.
import type { Command } from 'commander';
import { listPackages } from '../../operations/list.js';
import type { SpecNode } from '../../spec/spec.js';
import { EXIT } from '../exit-code.js';
import { addMirrorOptions, loadCatalog, type MirrorFlags, openMirrors } from '../options.js';
import { nodeAsJson, packageLines } from '../render-packages.js';
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
    .argument('[spec...]', 'only packages that fit one of these')
    .option('-l, --long', 'show the beginning of the hash')
    .option('-L, --very-long', 'show the whole hash')
    .option('-v, --variants', 'show variants and flags');
  addMirrorOptions(command).action((queries: string[], flags: ListFlags) =>
    run(flags, async (console, signal) => {
      const mirrors = await openMirrors(flags);
      try {
        const catalog = await loadCatalog(mirrors, flags, console, signal);
        const packages = listPackages({ catalog, queries });
        const nodes = packages.map(({ node }) => node);
        for (const line of packageLines(nodes, { ...flags, lookup: (hash) => catalog.node(hash) }))
          console.line(line);
        console.result({
          packages: packages.map(({ node, mirrors: urls }) => ({ ...nodeAsJson(node), mirrors: urls })),
        });
        return exitCode(queries, nodes);
      } finally {
        await Promise.all(mirrors.map((mirror) => mirror.close?.()));
      }
    }),
  );
}

/** Nothing in a build cache is an answer; nothing for a question is "not found". */
function exitCode(queries: readonly string[], nodes: readonly SpecNode[]): number {
  return queries.length > 0 && nodes.length === 0 ? EXIT.notFound : EXIT.done;
}
