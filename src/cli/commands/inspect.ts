// `regraft inspect`: what a file is, for people and as JSON.
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.js';
import { inspect } from '../../operations/inspect.js';
import { EXIT } from '../exit-code.js';
import { openInspectedFile } from '../inspected-file.js';
import { inspectionAsJson, inspectionLines } from '../render-inspection.js';
import type { CommandRun } from '../run.js';

export function addInspectCommand(program: Command, run: CommandRun): void {
  program
    .command('inspect')
    .description('show what a file is: an ELF file, a specfile, an index, a tarball of a package')
    .argument('<file>', 'path of the file')
    .action((path: string, flags: object) =>
      run(flags, async (console) => {
        if (path === '') throw new UsageError('usage', 'Cannot inspect a file without a name');
        const file = openInspectedFile(path);
        try {
          const inspection = await inspect(file);
          for (const line of inspectionLines(inspection)) console.line(line);
          console.result({ file: path, ...inspectionAsJson(inspection) });
          return EXIT.done;
        } finally {
          file.close();
        }
      }),
    );
}
