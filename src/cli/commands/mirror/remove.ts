// `regraft mirror remove`: forgets a mirror of regraft's own mirrors.yaml. The build cache itself stays as it is.
import type { Command } from 'commander';
import { ownMirrorsFile } from '../../../config/configured-mirrors.js';
import { EXIT } from '../../exit-code.js';
import { openOwnMirror } from '../../mirrors/own-mirror.js';
import type { CommandRun } from '../../run.js';

export function addMirrorRemoveCommand(mirror: Command, run: CommandRun): void {
  mirror
    .command('remove')
    .alias('rm')
    .description("remove a mirror from regraft's mirrors.yaml; what it contains stays")
    .argument('<name>', 'as "regraft mirror list" shows it')
    .action((name: string, flags: object) =>
      run(flags, async (console) => {
        const file = openOwnMirror(name, ownMirrorsFile(process.env));
        file.remove(name);
        file.write();
        console.line(`removed ${name} from ${file.path}`);
        console.result({ removed: name, file: file.path });
        return EXIT.done;
      }),
    );
}
