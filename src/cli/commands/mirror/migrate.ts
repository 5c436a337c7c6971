// `regraft mirror migrate`: brings the packages of the layouts 0 to 2 into layout 3.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../../core/errors.js';
import { migrateMirror } from '../../../operations/mirror/migrate-mirror.js';
import { selectEngine } from '../../../relocation/engines/select.js';
import { defaultTrustedKeysFolder, Keyring } from '../../../signature/keys/keyring.js';
import { makeSigner } from '../../../signature/make-signer.js';
import type { Console } from '../../console.js';
import { EXIT, exitCodeOf } from '../../exit-code.js';
import { openPushMirror } from '../../mirrors/push-mirror.js';
import { closeMirrors, openMirrors, wholeNumber } from '../../options.js';
import { passphraseOf } from '../../passphrase.js';
import { ProgressLines } from '../../progress-lines.js';
import { renderMigration } from '../../render/render-mirror.js';
import type { CommandRun } from '../../run.js';

interface MigrateFlags {
  readonly key?: string;
  readonly passphraseFile?: string;
  readonly unsigned?: boolean;
  readonly keyring?: readonly string[];
  readonly deleteOld?: boolean;
  readonly jobs?: number;
}

export function addMirrorMigrateCommand(mirror: Command, run: CommandRun): void {
  mirror
    .command('migrate')
    .description('bring the packages of a build cache of layout 0, 1 or 2 into layout 3')
    .argument('<source>', 'build cache to read: a path, a file: URL, or a configured name')
    .argument('[destination]', 'build cache to write to (default: the source)')
    .option('-k, --key <key>', 'key to sign with: FILE, FILE#FINGERPRINT, gpg, or gpg:ID')
    .option('--passphrase-file <file>', "file with the key's passphrase (or set REGRAFT_PASSPHRASE)")
    .option(
      '--unsigned',
      'carry over packages without a signature; without --key, carry over all of them unsigned',
    )
    .option('--keyring <file...>', 'public keys to trust in addition to the trusted-keys folder')
    .option('--delete-old', 'then remove the packages of the old layout, when all of the new are verified')
    .option('-j, --jobs <n>', 'number of packages to work on at a time', wholeNumber('--jobs', 1))
    .action((source: string, destination: string | undefined, flags: MigrateFlags) =>
      run(flags, (console, signal) =>
        migrateCommand({ source, destination: destination ?? source, flags, console, signal }),
      ),
    );
}

interface MigrateCommand {
  readonly source: string;
  readonly destination: string;
  readonly flags: MigrateFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function migrateCommand(command: MigrateCommand): Promise<number> {
  const { flags, console, signal } = command;
  const { key, unsigned: allowUnsigned = false, deleteOld = false, jobs } = flags;
  const [source, ...others] = await openMirrors({ mirror: [command.source] }, console);
  if (source === undefined || others.length > 0)
    throw new UsageError('usage', `Cannot migrate "${command.source}": name one build cache`);
  const progress = new ProgressLines(console);
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'regraft-migrate-'));
  const opened = [source];
  try {
    const keyring = await Keyring.load({
      files: flags.keyring,
      trustedKeysFolder: defaultTrustedKeysFolder(),
    });
    const wantsKey = key !== undefined || !allowUnsigned;
    const signer = wantsKey
      ? await makeSigner({ key, passphrase: await passphraseOf(flags), signal })
      : undefined;
    const destination = await openPushMirror(command.destination, { layout: 3 });
    opened.push(destination);
    const { engine } = selectEngine('js', {});
    const report = await migrateMirror(
      { source, destination, keyring, signer, allowUnsigned, deleteOld, engine, temporaryFolder, jobs },
      { signal, onProgress: (event) => progress.handle(event) },
    );
    progress.end();
    renderMigration(report, console);
    const failure = report.packages.find(({ outcome }) => outcome === 'failed')?.error;
    return failure === undefined ? EXIT.done : exitCodeOf(failure);
  } finally {
    progress.end();
    await rm(temporaryFolder, { recursive: true, force: true });
    await closeMirrors(opened);
  }
}
