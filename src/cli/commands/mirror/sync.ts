// `regraft mirror sync`: copies packages from one build cache to another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../../core/errors.js';
import type { Mirror } from '../../../mirror/build-cache.js';
import { newLayoutFor } from '../../../operations/mirror/sync/new-layout.js';
import { type SyncReport, syncMirror } from '../../../operations/mirror/sync/sync-mirror.js';
import { selectEngine } from '../../../relocation/engines/select.js';
import { defaultTrustedKeysFolder, Keyring } from '../../../signature/keys/keyring.js';
import { makeSigner } from '../../../signature/make-signer.js';
import type { Console } from '../../console.js';
import { EXIT, exitCodeOf } from '../../exit-code.js';
import { type LayoutFlags, layoutOf, layoutOption } from '../../mirrors/push-mirror.js';
import { openSyncDestination, type SyncDestination } from '../../mirrors/sync-destination.js';
import {
  closeMirrors,
  loadCatalog,
  openMirrors,
  readNamedFile,
  VIEW_OPTION,
  wholeNumber,
} from '../../options.js';
import { passphraseOf } from '../../passphrase.js';
import { ProgressLines } from '../../progress-lines.js';
import { renderSync } from '../../render/render-sync.js';
import type { CommandRun } from '../../run.js';

interface SyncFlags extends LayoutFlags {
  readonly archive?: string;
  readonly view?: string;
  readonly caFile?: string;
  readonly refresh?: boolean;
  readonly withBuildDependencies?: boolean;
  readonly keyring?: readonly string[];
  readonly checkSignature: boolean;
  readonly key?: string;
  readonly passphraseFile?: string;
  readonly unsigned?: boolean;
  readonly dryRun?: boolean;
  readonly jobs?: number;
}

export function addMirrorSyncCommand(mirror: Command, run: CommandRun): void {
  mirror
    .command('sync')
    .description('copy packages with what they need to another build cache, with keys, index and views')
    .argument('<source>', 'build cache to read: a URL, a path, or a configured name')
    .argument('[destination]', 'build cache to write to: a path, a URL, or a configured name')
    .argument('[spec...]', 'name, name@version, /hash, any spec, x.spec.json or spack.lock (default: all)')
    .option('--archive <file>', 'write to this tar archive, in place of a destination')
    .option('--view <name>', VIEW_OPTION)
    .addOption(
      layoutOption("layout to publish in (default: the destination's, of a new one the source's newest)"),
    )
    .option('--with-build-dependencies', 'also copy the build dependencies that the source has')
    .option('--keyring <file...>', 'public keys to trust in addition to the trusted-keys folder')
    .option('--no-check-signature', 'accept packages whose signature is missing or not trusted')
    .option('-k, --key <key>', 'key for what gets another layout: FILE, FILE#FINGERPRINT, gpg, or gpg:ID')
    .option('--passphrase-file <file>', "file with the key's passphrase (or set REGRAFT_PASSPHRASE)")
    .option(
      '--unsigned',
      'in another layout, publish packages without a signature; without --key, publish all unsigned there',
    )
    .option('-n, --dry-run', 'only list what would be copied')
    .option('-j, --jobs <n>', 'number of packages to work on at a time', wholeNumber('--jobs', 1))
    .option('--refresh', 'discard the cached index of the source first')
    .option('--ca-file <file>', 'certificate authorities to trust for https, in PEM')
    .action((source: string, destination: string | undefined, specs: string[], flags: SyncFlags) =>
      run(flags, (console, signal) =>
        syncCommand({ source, ...placesOf(destination, specs, flags), flags, console, signal }),
      ),
    );
}

/** With an archive there is no destination: what stands there is a spec. */
function placesOf(destination: string | undefined, specs: readonly string[], { archive }: SyncFlags) {
  if (archive !== undefined) {
    const queries = destination === undefined ? specs : [destination, ...specs];
    return { destination: undefined, queries };
  }
  if (destination !== undefined) return { destination, queries: specs };
  throw new UsageError('usage', 'Cannot copy the build cache: no destination is named', {
    hint: 'Name a build cache to write to, or an archive with --archive FILE.tar',
  });
}

interface SyncCommand {
  readonly source: string;
  readonly destination: string | undefined;
  readonly queries: readonly string[];
  readonly flags: SyncFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function syncCommand(command: SyncCommand): Promise<number> {
  const { flags, signal } = command;
  const { view, caFile } = flags;
  const named = {
    mirror: [command.source],
    ...(view !== undefined && { view }),
    ...(caFile !== undefined && { caFile }),
  };
  const sources = await openMirrors(named, command.console);
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'regraft-sync-'));
  let destination: SyncDestination | undefined;
  try {
    const [source, ...others] = sources;
    if (source === undefined || others.length > 0)
      throw new UsageError('usage', `Cannot copy "${command.source}": name one build cache`);
    destination = await openSyncDestination({
      reference: command.destination,
      archive: flags.archive,
      layout: layoutOf(flags),
      newLayout: await newLayoutFor(source.cache, { signal }),
    });
    return await syncTo({ ...command, source, destination, temporaryFolder });
  } finally {
    await rm(temporaryFolder, { recursive: true, force: true });
    await destination?.close();
    await closeMirrors(sources);
  }
}

interface OpenedSync extends Omit<SyncCommand, 'source' | 'destination'> {
  readonly source: Mirror;
  readonly destination: SyncDestination;
  readonly temporaryFolder: string;
}

async function syncTo({ source, destination, flags, console, signal, ...sync }: OpenedSync): Promise<number> {
  const { key, unsigned: allowUnsigned = false } = flags;
  const { mirror, view: destinationView, openView } = destination;
  const progress = new ProgressLines(console);
  try {
    const keyring = await Keyring.load({
      files: flags.keyring,
      trustedKeysFolder: defaultTrustedKeysFolder(),
    });
    const catalog = await loadCatalog([source], flags, console, signal);
    const signer = async () => makeSigner({ key, passphrase: await passphraseOf(flags), signal });
    const wantsKey = key !== undefined || !(allowUnsigned || !mirror.requiresSignature);
    const request = {
      ...sync,
      ...flags,
      source,
      catalog,
      readFile: readNamedFile,
      destination: mirror,
      destinationView,
      openView,
      isLayoutForced: flags.layout !== undefined,
      keyring,
      signer: wantsKey ? signer : undefined,
      allowUnsigned: allowUnsigned || !mirror.requiresSignature,
      engine: selectEngine('js', {}).engine,
    };
    const report = await syncMirror(request, { signal, onProgress: (event) => progress.handle(event) });
    if (!report.dryRun) await destination.finish();
    progress.end();
    renderSync(report, console);
    return exitCode(report);
  } finally {
    progress.end();
  }
}

function exitCode({ packages, unreadable }: SyncReport): number {
  const failure = packages.find(({ outcome }) => outcome === 'failed')?.error ?? unreadable[0]?.error;
  return failure === undefined ? EXIT.done : exitCodeOf(failure);
}
