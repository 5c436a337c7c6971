// `regraft push`: publishes installed packages to a build cache.
import { type Command, Option } from 'commander';
import { UsageError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import { publishKeys } from '../../operations/keys/publish-keys.js';
import { openStore } from '../../operations/open-store.js';
import { layoutOfSpack } from '../../operations/publish/layout-of-spack.js';
import { type PushReport, push } from '../../operations/publish/push.js';
import { updateIndex } from '../../operations/publish/update-index.js';
import { resolveInstalled } from '../../operations/query/resolve-installed.js';
import { type EngineChoice, selectEngine } from '../../relocation/engines/select.js';
import { makeSigner, type TextSigner } from '../../signature/make-signer.js';
import type { Console } from '../console.js';
import { EXIT } from '../exit-code.js';
import { type LayoutFlags, layoutOf, layoutOption, openPushMirror } from '../mirrors/push-mirror.js';
import { addStoreOptions, readNamedFile, type StoreFlags, wholeNumber } from '../options.js';
import { passphraseOf } from '../passphrase.js';
import { ProgressLines } from '../progress-lines.js';
import { renderPushReport } from '../render/render-push.js';
import type { CommandRun } from '../run.js';

interface PushFlags extends StoreFlags, LayoutFlags {
  readonly mirror: string;
  readonly unsigned?: boolean;
  readonly key?: string;
  readonly passphraseFile?: string;
  readonly force?: boolean;
  readonly only?: 'package' | 'dependencies';
  readonly jobs?: number;
  readonly failFast?: boolean;
  readonly withBuildDependencies?: boolean;
  readonly level?: number;
  readonly updateIndex?: boolean;
  readonly view?: string;
  readonly baseImage?: string;
  readonly tag?: string;
  readonly engine?: EngineChoice;
}

export function addPushCommand(program: Command, run: CommandRun): void {
  const command = program
    .command('push')
    .description('push installed packages and their dependencies to a build cache')
    .argument('<spec...>', 'name, name@version, /hash, any spec, x.spec.json or spack.lock')
    .requiredOption(
      '-m, --mirror <url>',
      'build cache to write to: a path, a file: URL, or a configured name',
    )
    .addOption(layoutOption())
    .option('--unsigned', 'publish without a signature')
    .option('-k, --key <key>', 'key to sign with: FILE, FILE#FINGERPRINT, gpg, or gpg:ID')
    .option('--passphrase-file <file>', "file with the key's passphrase (or set REGRAFT_PASSPHRASE)")
    .option('-f, --force', 'push packages again that are already there')
    .addOption(
      new Option('--only <what>', 'push only the packages, or only their dependencies').choices([
        'package',
        'dependencies',
      ]),
    )
    .option('-j, --jobs <n>', 'number of packages to work on at a time', wholeNumber('--jobs', 1))
    .option('--fail-fast', 'stop at the first failure')
    .option('--with-build-dependencies', 'also push build dependencies that are installed')
    .option('--level <n>', 'compression level, 1 to 9', compressionLevel)
    .option('--update-index', 'then write the index of the build cache, or add what was pushed to its view')
    .option('--view <name>', 'view that --update-index adds to (default: the one configured for the mirror)')
    .option('--base-image <ref>', 'in a registry: the image that the images of packages are made upon')
    .option('--tag <name>', 'in a registry: also make an image of the packages, with all they need to run')
    .addOption(new Option('--engine <name>', 'engine to use').choices(['auto', 'native', 'wasm', 'js']));
  addStoreOptions(command).action((queries: string[], flags: PushFlags) =>
    run(flags, (console, signal) => pushCommand({ queries, flags, console, signal })),
  );
}

interface PushCommand {
  readonly queries: readonly string[];
  readonly flags: PushFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function pushCommand({ queries, flags, console, signal }: PushCommand): Promise<number> {
  const { root, spackPrefix, upstream } = flags;
  const store = openStore({ root, spackPrefix, upstreams: upstream ?? [] });
  const newLayout = layoutOfSpack(store.database.content().version);
  if (flags.view !== undefined && !flags.updateIndex)
    throw new UsageError('usage', 'Cannot use --view without --update-index', { hint: 'Use both of them' });
  const { view, baseImage } = flags;
  const mirror = await openPushMirror(flags.mirror, { layout: layoutOf(flags), newLayout, view, baseImage });
  const progress = new ProgressLines(console);
  const onProgress = progress.handle.bind(progress);
  try {
    const signer = await signerOf(flags, mirror, signal);
    const specs = await resolveInstalled({ queries, store, readFile: readNamedFile });
    const engine = selectEngine(flags.engine, process.env);
    const request = { ...flags, specs, store, mirror, engine, sign: signer?.sign, imageTag: flags.tag };
    const report = await push(request, { signal, onProgress });
    if (signer !== undefined && hasPushed(report))
      await publishKeys({ mirror, keys: [signer.publicKey] }, { signal, onProgress });
    if (flags.updateIndex) await updateIndexOf(mirror, report, { signal, onProgress });
    progress.end();
    renderPushReport(report, console);
    return report.packages.some((each) => each.outcome === 'failed') ? EXIT.failed : EXIT.done;
  } finally {
    progress.end();
    await mirror.cache.close?.();
  }
}

function updateIndexOf(mirror: Mirror, { packages }: PushReport, options: OperationOptions) {
  const there = packages.filter(({ outcome }) => outcome === 'pushed' || outcome === 'already-there');
  return updateIndex({ mirror, hashes: there.map(({ hash }) => hash) }, options);
}

function hasPushed({ packages }: PushReport): boolean {
  return packages.some((each) => each.outcome === 'pushed');
}

/** Packages are signed unless `--unsigned` is given, or the mirror is configured with `signed: false`. */
async function signerOf(
  flags: PushFlags,
  mirror: Mirror,
  signal: AbortSignal,
): Promise<TextSigner | undefined> {
  if (flags.unsigned && flags.key !== undefined)
    throw new UsageError('usage', 'Cannot use --key with --unsigned', { hint: 'Use one of them' });
  if (flags.unsigned || (flags.key === undefined && !mirror.requiresSignature)) return undefined;
  return makeSigner({ key: flags.key, passphrase: await passphraseOf(flags), signal });
}

function compressionLevel(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new UsageError('usage', `Cannot use "${text}" for --level: it is not a number from 1 to 9`);
}
