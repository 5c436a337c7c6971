// `regraft mirror`: what is done with a build cache as a whole. Each subcommand is a file beside this one, and a line in `SUBCOMMANDS`.
import type { Command } from 'commander';
import type { CommandRun } from '../../run.js';
import { addMirrorCheckCommand } from './check.js';
import { addMirrorMigrateCommand } from './migrate.js';
import { addMirrorPruneCommand } from './prune.js';
import { addMirrorSyncCommand } from './sync.js';

/** In the order of the help. */
const SUBCOMMANDS: readonly ((mirror: Command, run: CommandRun) => void)[] = [
  addMirrorCheckCommand,
  addMirrorPruneCommand,
  addMirrorMigrateCommand,
  addMirrorSyncCommand,
];

export function addMirrorCommand(program: Command, run: CommandRun): void {
  const mirror = program.command('mirror').description('check, clean, convert and copy build caches');
  for (const add of SUBCOMMANDS) add(mirror, run);
}
