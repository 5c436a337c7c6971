// `regraft install`: installs packages from build caches into a store.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../../core/errors.js';
import { install } from '../../operations/install/install.js';
import { openStoreForWriting } from '../../operations/open-store.js';
import { resolveSpecs } from '../../operations/query/resolve-specs.js';
import { type EngineChoice, selectEngine } from '../../relocation/engines/select.js';
import { defaultTrustedKeysFolder, Keyring } from '../../signature/keys/keyring.js';
import { transferSettings } from '../../transport/steady/transfer-settings.js';
import { EXIT, exitCodeOf } from '../exit-code.js';
import {
  addMirrorOptions,
  addStoreOptions,
  closeMirrors,
  loadCatalog,
  type MirrorFlags,
  openMirrors,
  readNamedFile,
  type StoreFlags,
  wholeNumber,
} from '../options.js';
import { ProgressLines } from '../progress-lines.js';
import { renderInstallReport } from '../render/render-install.js';
import type { CommandRun } from '../run.js';

export interface InstallFlags extends MirrorFlags, StoreFlags {
  readonly keyring?: readonly string[];
  readonly checkSignature: boolean;
  readonly force?: boolean;
  readonly sha256?: string;
  readonly jobs?: number;
  readonly workers?: number;
  readonly engine?: EngineChoice;
  readonly only?: 'package' | 'dependencies';
  readonly implicit?: boolean;
  readonly failFast?: boolean;
  readonly aliasRoot?: string;
  readonly anyPlatform?: boolean;
  readonly lock: boolean;
}

export function addInstallCommand(program: Command, run: CommandRun): void {
  const command = program
    .command('install')
    .description('install packages and their dependencies')
    .argument('<spec...>', 'name, name@version, /hash, any spec, x.spec.json or spack.lock')
    .option('--projection <template>', 'path of a package below the root')
    .option('--padded-length <n>', 'pad the root to this many characters', wholeNumber('--padded-length', 0))
    .option('-k, --keyring <file...>', 'public keys to trust in addition to the trusted-keys folder')
    .option('--no-check-signature', 'install packages whose signature is missing or not trusted')
    .option('-f, --force', 'reinstall installed packages, and replace anything at their prefixes')
    .option('--sha256 <hex>', 'SHA-256 the tarball must have (one spec only)', sha256)
    .option('-j, --jobs <n>', 'number of packages to work on at a time', wholeNumber('--jobs', 1))
    .option(
      '--workers <n>',
      'maximum number of worker threads for large packages (default: one per processor)',
      wholeNumber('--workers', 0),
    )
    .addOption(new Option('--engine <name>', 'engine to use').choices(['auto', 'native', 'wasm', 'js']))
    .addOption(
      new Option('--only <what>', 'install only the packages, or only their dependencies').choices([
        'package',
        'dependencies',
      ]),
    )
    .option('--implicit', 'do not mark the packages as explicitly installed')
    .option('--fail-fast', 'stop at the first failure')
    .option(
      '--alias-root <dir>',
      'short symbolic link to the root, made if missing; used in C strings that have no room for the root',
    )
    .option('--any-platform', 'also install packages for other platforms')
    .option('--no-lock', "write without taking Spack's locks on the store");
  addStoreOptions(addMirrorOptions(command));
  command.action((queries: string[], flags: InstallFlags) =>
    run(flags, (console, signal) => installCommand(queries, flags, console, signal)),
  );
}

const installCommand = async (
  queries: readonly string[],
  flags: InstallFlags,
  console: Parameters<Parameters<CommandRun>[1]>[0],
  signal: AbortSignal,
): Promise<number> => {
  const mirrors = await openMirrors(flags, console);
  const progress = new ProgressLines(console);
  try {
    const engine = selectEngine(flags.engine, process.env);
    const keyring = await Keyring.load({
      files: flags.keyring,
      trustedKeysFolder: defaultTrustedKeysFolder(),
    });
    const catalog = await loadCatalog(mirrors, flags, console, signal);
    const offline = flags.offline ?? false;
    const specs = await resolveSpecs({ queries, catalog, mirrors, readFile: readNamedFile, offline, signal });
    const store = await openStoreForWriting({ ...storeRequest(flags), signal });
    for (const root of store.upstreams.missing())
      console.warn(`There is no store at "${root}", named with --upstream`);
    const hedge = { after: transferSettings(process.env).hedgeAfter };
    const report = await install(
      { ...flags, aliasRoot: aliasRoot(flags), specs, store, mirrors, catalog, keyring, engine, hedge },
      { signal, onProgress: (event) => progress.handle(event) },
    );
    progress.end();
    renderInstallReport(report, console);
    const failure = report.packages.find((each) => each.outcome === 'failed')?.error;
    return failure === undefined ? EXIT.done : exitCodeOf(failure);
  } finally {
    progress.end();
    await closeMirrors(mirrors);
  }
};

function storeRequest(flags: InstallFlags) {
  const { root, projection, paddedLength, spackPrefix, upstream, lock } = flags;
  return {
    root,
    projection,
    paddedLength,
    spackPrefix,
    upstreams: upstream ?? [],
    ...(lock ? {} : { noLock: true }),
  };
}

function aliasRoot({ aliasRoot: alias }: InstallFlags): string | undefined {
  return alias === undefined ? undefined : resolve(alias);
}

function sha256(text: string): string {
  const digest = text.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digest)) return digest;
  throw new UsageError('usage', `Cannot use "${text}" for --sha256: it is not 64 hexadecimal digits`);
}
