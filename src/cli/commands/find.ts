// `regraft find`: the packages installed in a store.
import type { Command } from 'commander';
import { openStore } from '../../operations/open-store.js';
import { findPackages } from '../../operations/query/find.js';
import { EXIT } from '../exit-code.js';
import { addStoreOptions, type StoreFlags } from '../options.js';
import { nodeAsJson, packageLines } from '../render/render-packages.js';
import type { CommandRun } from '../run.js';

interface FindFlags extends StoreFlags {
  readonly long?: boolean;
  readonly veryLong?: boolean;
  readonly variants?: boolean;
  readonly paths?: boolean;
  readonly explicit?: boolean;
}

export function addFindCommand(program: Command, run: CommandRun): void {
  const command = program
    .command('find')
    .description('find installed packages')
    .argument('[spec...]', 'only packages that match one of these')
    .option('-l, --long', 'show the beginning of the hash')
    .option('-L, --very-long', 'show the whole hash')
    .option('-v, --variants', 'show variants and flags')
    .option('-p, --paths', 'show the prefixes')
    .option('-x, --explicit', 'only packages that were installed explicitly');
  addStoreOptions(command).action((queries: string[], flags: FindFlags) =>
    run(flags, async (console) => {
      const { root, spackPrefix, upstream } = flags;
      const store = openStore({ root, spackPrefix, upstreams: upstream ?? [] });
      const packages = findPackages(store, queries).filter((each) => each.explicit || !flags.explicit);
      const prefixes = new Map(packages.map(({ node, prefix }) => [node.hash, prefix ?? '']));
      const lookup = (hash: (typeof packages)[number]['node']['hash']) => {
        const record = store.database.get(hash);
        return record === undefined ? undefined : store.database.nodeOf(record);
      };
      const suffix = flags.paths ? prefixes : undefined;
      for (const line of packageLines(
        packages.map(({ node }) => node),
        { ...flags, lookup, suffix },
      ))
        console.line(line);
      console.result({
        root: store.root,
        packages: packages.map(({ node, ...facts }) => ({ ...nodeAsJson(node), ...facts })),
      });
      return queries.length > 0 && packages.length === 0 ? EXIT.notFound : EXIT.done;
    }),
  );
}
