// `regraft mirror list`: the configured mirrors, in search order, and where they come from.
import type { Command } from 'commander';
import { listMirrors } from '../../../config/configured-mirrors.js';
import { EXIT } from '../../exit-code.js';
import { renderMirrors } from '../../render/render-mirrors.js';
import type { CommandRun } from '../../run.js';

export function addMirrorListCommand(mirror: Command, run: CommandRun): void {
  mirror
    .command('list')
    .description(
      "list the mirrors of regraft's mirrors.yaml and of the Spack in $SPACK_ROOT, in search order",
    )
    .action((flags: object) =>
      run(flags, async (console) => {
        renderMirrors(listMirrors(process.env), console);
        return EXIT.done;
      }),
    );
}
