// `regraft mirror set`: changes a mirror of regraft's own mirrors.yaml.
import type { Command } from 'commander';
import { ownMirrorsFile } from '../../../config/configured-mirrors.js';
import { UsageError } from '../../../core/errors.js';
import type { Console } from '../../console.js';
import { EXIT } from '../../exit-code.js';
import {
  addMirrorSettingOptions,
  type MirrorSettingFlags,
  mirrorSettings,
} from '../../mirrors/mirror-settings.js';
import { openOwnMirror } from '../../mirrors/own-mirror.js';
import type { CommandRun } from '../../run.js';

export function addMirrorSetCommand(mirror: Command, run: CommandRun): void {
  const command = mirror
    .command('set')
    .description("change a mirror of regraft's mirrors.yaml; an empty value takes a setting away")
    .argument('<name>', 'as "regraft mirror list" shows it')
    .option('--url <url>', 'a URL, or a path');
  addMirrorSettingOptions(command).action((name: string, flags: MirrorSettingFlags) =>
    run(flags, (console) => setCommand(name, flags, console)),
  );
}

async function setCommand(name: string, flags: MirrorSettingFlags, console: Console): Promise<number> {
  const settings = await mirrorSettings(flags);
  if (Object.keys(settings).length === 0)
    throw new UsageError('usage', `Cannot change mirror "${name}": no flag says what to change`, {
      hint: 'See regraft mirror set --help',
    });
  const file = openOwnMirror(name, ownMirrorsFile(process.env));
  file.set(name, settings);
  file.write();
  console.line(`changed ${name} in ${file.path}`);
  console.result({ changed: name, file: file.path });
  return EXIT.done;
}
