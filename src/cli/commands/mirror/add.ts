// `regraft mirror add`: a name for a build cache, in regraft's own mirrors.yaml.
import type { Command } from 'commander';
import { listMirrors, ownMirrorsFile } from '../../../config/configured-mirrors.js';
import { MirrorsFile } from '../../../config/mirrors-file.js';
import type { Console } from '../../console.js';
import { EXIT } from '../../exit-code.js';
import {
  addMirrorSettingOptions,
  type MirrorSettingFlags,
  mirrorSettings,
} from '../../mirrors/mirror-settings.js';
import type { CommandRun } from '../../run.js';

export function addMirrorAddCommand(mirror: Command, run: CommandRun): void {
  const command = mirror
    .command('add')
    .description("add a mirror to regraft's mirrors.yaml; it is searched after those that are there")
    .argument('<name>', 'what to call it')
    .argument('<url>', 'a URL, or a path');
  addMirrorSettingOptions(command).action((name: string, url: string, flags: MirrorSettingFlags) =>
    run(flags, (console) => addCommand(name, { ...flags, url }, console)),
  );
}

async function addCommand(name: string, flags: MirrorSettingFlags, console: Console): Promise<number> {
  const file = new MirrorsFile(ownMirrorsFile(process.env));
  file.add(name, await mirrorSettings(flags));
  const hidden = listMirrors(process.env).find((each) => each.name === name && !each.isOverridden);
  file.write();
  console.line(`added ${name} to ${file.path}`);
  if (hidden !== undefined)
    console.warn(`it takes the place of the mirror "${name}" in "${hidden.files[0]}"`);
  console.result({ added: name, file: file.path });
  return EXIT.done;
}
