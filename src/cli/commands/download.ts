// `regraft download`: fetches the files of packages from build caches into a folder, and verifies them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type DownloadedPackage, download } from '../../operations/fetch/download.js';
import { resolveSpecs } from '../../operations/query/resolve-specs.js';
import { selectEngine } from '../../relocation/engines/select.js';
import { defaultTrustedKeysFolder, Keyring } from '../../signature/keys/keyring.js';
import { FileStore } from '../../transport/file/store.js';
import { transferSettings } from '../../transport/steady/transfer-settings.js';
import { type Console, describeError } from '../console.js';
import { EXIT, exitCodeOf } from '../exit-code.js';
import {
  addMirrorOptions,
  closeMirrors,
  loadCatalog,
  type MirrorFlags,
  openMirrors,
  readNamedFile,
} from '../options.js';
import { ProgressLines } from '../progress-lines.js';
import { formatBytes } from '../render/format.js';
import type { CommandRun } from '../run.js';

interface DownloadFlags extends MirrorFlags {
  readonly path: string;
  readonly keyring?: readonly string[];
  readonly checkSignature: boolean;
}

export function addDownloadCommand(program: Command, run: CommandRun): void {
  const command = program
    .command('download')
    .description('fetch the files of packages from build caches')
    .argument('<spec...>', 'name, name@version, /hash, any spec, x.spec.json or spack.lock')
    .requiredOption('-p, --path <dir>', 'folder to write to, laid out like a build cache')
    .option('-k, --keyring <file...>', 'public keys to trust in addition to the trusted-keys folder')
    .option('--no-check-signature', 'accept packages whose signature is missing or not trusted');
  addMirrorOptions(command).action((queries: string[], flags: DownloadFlags) =>
    run(flags, (console, signal) => downloadCommand({ queries, flags, console, signal })),
  );
}

interface DownloadCommand {
  readonly queries: readonly string[];
  readonly flags: DownloadFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function downloadCommand({ queries, flags, console, signal }: DownloadCommand): Promise<number> {
  const mirrors = await openMirrors(flags, console);
  const progress = new ProgressLines(console);
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'regraft-download-'));
  try {
    const trustedKeysFolder = defaultTrustedKeysFolder();
    const keyring = await Keyring.load({ files: flags.keyring, trustedKeysFolder });
    const catalog = await loadCatalog(mirrors, flags, console, signal);
    const offline = flags.offline ?? false;
    const specs = await resolveSpecs({ queries, catalog, mirrors, readFile: readNamedFile, offline, signal });
    const { checkSignature } = flags;
    const { engine } = selectEngine('js', {});
    const destination = new FileStore({ root: flags.path });
    const hedge = { after: transferSettings(process.env).hedgeAfter };
    const report = await download(
      { specs, mirrors, catalog, destination, keyring, checkSignature, engine, temporaryFolder, hedge },
      { signal, onProgress: (event) => progress.handle(event) },
    );
    progress.end();
    for (const each of report.packages) printPackage(each, console);
    console.result(report);
    const failure = report.packages.find(({ outcome }) => outcome === 'failed')?.error;
    return failure === undefined ? EXIT.done : exitCodeOf(failure);
  } finally {
    progress.end();
    await rm(temporaryFolder, { recursive: true, force: true });
    await closeMirrors(mirrors);
  }
}

function printPackage(
  { outcome, name, version, hash, mirror, bytes, error }: DownloadedPackage,
  console: Console,
): void {
  const title = `${outcome.padEnd(10)} ${name}@${version}/${hash.slice(0, 7)}`;
  console.line(mirror === undefined ? title : `${title}  ${formatBytes(bytes)} from ${mirror}`);
  if (error !== undefined) console.err.write(console.shown(describeError(error)));
}
