// `regraft relocate`: replaces paths in the text files, binaries and links of a tree that has no metadata.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { toLatin1 } from '../../core/bytes.js';
import { UsageError } from '../../core/errors.js';
import { type AnyTreeReport, relocateAnyTree } from '../../operations/relocate/relocate-any-tree.js';
import { type EngineChoice, selectEngine } from '../../relocation/engines/select.js';
import { LONGEST_PREFIX, type PathMapping } from '../../relocation/prefixes/prefix-map.js';
import { displayPath } from '../../tar/safe-path.js';
import type { Console } from '../console.js';
import { EXIT } from '../exit-code.js';
import { formatBytes } from '../render/format.js';
import type { CommandRun } from '../run.js';

interface RelocateFlags {
  readonly map: readonly string[];
  readonly alias?: readonly string[];
  readonly engine?: EngineChoice;
  readonly dryRun?: boolean;
  readonly replaceSignatures?: boolean;
}

export function addRelocateCommand(program: Command, run: CommandRun): void {
  program
    .command('relocate')
    .description('replace prefixes in all files of a tree: text files, binaries, links')
    .argument('<tree>', 'directory, changed in place')
    .requiredOption('--map <old=new...>', 'old and new prefix; the first match wins')
    .option('--replace-signatures', 'sign changed Mach-O files ad hoc, even those signed by an identity')
    .option(
      '--alias <new=short...>',
      'symbolic link to a new prefix, made if missing; used in C strings that have no room for the prefix',
    )
    .option('-n, --dry-run', 'only show what would change')
    .addOption(new Option('--engine <name>', 'engine to use').choices(['auto', 'native', 'wasm', 'js']))
    .action((tree: string, flags: RelocateFlags) =>
      run(flags, async (console, signal) => {
        const mapping = parsePairs('--map', flags.map);
        const aliases = parsePairs('--alias', flags.alias ?? []).map(([root, alias]) => ({ root, alias }));
        const { engine } = selectEngine(flags.engine, process.env);
        const report = relocateAnyTree({
          tree: byteString(existingDirectory(tree)),
          mapping,
          aliases,
          engine,
          isDryRun: flags.dryRun,
          replaceIdentity: flags.replaceSignatures,
          onWarning: (message) => console.warn(message),
          signal,
        });
        render(console, { ...report, isDryRun: flags.dryRun ?? false });
        return EXIT.done;
      }),
    );
}

export function byteString(text: string): string {
  return toLatin1(Buffer.from(text));
}

export function existingDirectory(tree: string): string {
  const path = resolve(tree);
  if (tree !== '' && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new UsageError('usage', `Cannot relocate "${tree}": it is not a directory`, { data: { path: tree } });
}

const FORMS = {
  '--map': { form: 'OLD=NEW', example: '/old/store=/new/store' },
  '--alias': { form: 'NEW=SHORT', example: '/new/store=/s' },
} as const;

/** Parses pairs of absolute paths; trailing slashes are ignored. */
export function parsePairs(option: '--map' | '--alias', pairs: readonly string[]): PathMapping {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    const [from, to] = [pair.slice(0, at), pair.slice(at + 1)].map((path) =>
      path.replace(/(?<=[^/])\/+$/, ''),
    );
    if (at < 0 || !isPrefix(from) || !isPrefix(to)) {
      throw new UsageError(
        'usage',
        `Cannot use "${pair}" for ${option}: it is not ${FORMS[option].form} with two absolute paths`,
        {
          hint: `For example ${option} ${FORMS[option].example}`,
          data: { pair },
        },
      );
    }
    return [byteString(from), byteString(to)] as const;
  });
}

function isPrefix(path: string | undefined): path is string {
  return (
    path !== undefined && path.length > 1 && path.startsWith('/') && Buffer.byteLength(path) <= LONGEST_PREFIX
  );
}

function render(console: Console, report: AnyTreeReport & { readonly isDryRun: boolean }): void {
  for (const { path, kind, grownBy } of report.changed) {
    const growth = grownBy === undefined ? '' : `, ${formatBytes(grownBy)} longer`;
    console.line(`${kind.padEnd(6)}  ${displayPath(path)}${growth}`);
  }
  const verb = report.isDryRun ? 'would change' : 'changed';
  console.line(
    `${verb} ${report.changed.length} of ${report.files} files and links, engine ${report.engine}`,
  );
  console.result({
    ...report,
    tree: displayPath(report.tree),
    changed: report.changed.map((each) => ({ ...each, path: displayPath(each.path) })),
  });
}
