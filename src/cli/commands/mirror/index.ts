// `regraft mirror`: which build caches there are, and what is done with one as a whole. Each subcommand is a file beside this one, and a line in `SUBCOMMANDS`.
import type { Command } from 'commander';
import type { CommandRun } from '../../run.js';
import { addMirrorAddCommand } from './add.js';
import { addMirrorCheckCommand } from './check.js';
import { addMirrorListCommand } from './list.js';
import { addMirrorMigrateCommand } from './migrate.js';
import { addMirrorPruneCommand } from './prune.js';
import { addMirrorRemoveCommand } from './remove.js';
import { addMirrorSetCommand } from './set.js';
import { addMirrorSyncCommand } from './sync.js';

/** In the order of the help. */
const SUBCOMMANDS: readonly ((mirror: Command, run: CommandRun) => void)[] = [
  addMirrorListCommand,
  addMirrorAddCommand,
  addMirrorSetCommand,
  addMirrorRemoveCommand,
  addMirrorCheckCommand,
  addMirrorPruneCommand,
  addMirrorMigrateCommand,
  addMirrorSyncCommand,
];

export function addMirrorCommand(program: Command, run: CommandRun): void {
  const mirror = program
    .command('mirror')
    .description('configure, check, clean, convert and copy build caches');
  for (const add of SUBCOMMANDS) add(mirror, run);
}
