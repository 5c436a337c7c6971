// `regraft inspect`: shows what a file is and which paths it contains.
import type { Command } from 'commander';
import { toLatin1 } from '../../core/bytes.js';
import { UsageError } from '../../core/errors.js';
import { inspect, SHOWN_PATHS } from '../../operations/query/inspect.js';
import { defaultTrustedKeysFolder, Keyring } from '../../signature/keys/keyring.js';
import { EXIT } from '../exit-code.js';
import { openInspectedFile } from '../inspected-file.js';
import { wholeNumber } from '../options.js';
import { prefixesOfFile } from '../prefixes-of-file.js';
import { inspectionAsJson, inspectionLines } from '../render/render-inspection.js';
import type { CommandRun } from '../run.js';

interface InspectFlags {
  readonly keyring?: readonly string[];
  readonly prefix?: readonly string[];
  readonly limit: number;
}

export function addInspectCommand(program: Command, run: CommandRun): void {
  program
    .command('inspect')
    .description(
      'show headers, names, signature and paths of an ELF or Mach-O file, the paths in any other file, or what a specfile, manifest, index or tarball says',
    )
    .argument('<file>', 'path of the file')
    .option('--prefix <dir...>', 'prefixes to look for (default: those of the package the file belongs to)')
    .option(
      '--limit <n>',
      'maximum number of paths to show; all are counted',
      wholeNumber('--limit', 0),
      SHOWN_PATHS,
    )
    .option('-k, --keyring <file...>', 'public keys to trust in addition to the trusted-keys folder')
    .action((path: string, flags: InspectFlags) =>
      run(flags, async (console) => {
        if (path === '') throw new UsageError('usage', 'Cannot inspect a file without a name');
        const file = openInspectedFile(path);
        try {
          const inspection = await inspect(file, {
            prefixes: flags.prefix?.map(prefixOf) ?? prefixesOfFile(path),
            limit: flags.limit,
            keyring: () =>
              Keyring.load({ files: flags.keyring, trustedKeysFolder: defaultTrustedKeysFolder() }),
          });
          for (const line of inspectionLines(inspection)) console.line(line);
          console.result({ file: path, ...inspectionAsJson(inspection) });
          return EXIT.done;
        } finally {
          file.close();
        }
      }),
    );
}

/** The prefix as files contain it: without trailing slashes. */
function prefixOf(path: string): string {
  const plain = path.replace(/\/+$/, '');
  if (plain.startsWith('/')) return toLatin1(Buffer.from(plain));
  throw new UsageError('usage', `Cannot use "${path}" for --prefix: it is not an absolute path`, {
    data: { path },
  });
}
