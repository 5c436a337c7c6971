// `regraft mirror check`: whether everything in a build cache fits together.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { checkMirror } from '../../../operations/mirror/check-mirror.js';
import { selectEngine } from '../../../relocation/engines/select.js';
import { defaultTrustedKeysFolder, Keyring } from '../../../signature/keys/keyring.js';
import type { Console } from '../../console.js';
import { EXIT } from '../../exit-code.js';
import { closeMirrors, openMirrors, wholeNumber } from '../../options.js';
import { renderMirrorCheck } from '../../render/render-mirror.js';
import type { CommandRun } from '../../run.js';

interface CheckFlags {
  readonly deep?: boolean;
  readonly keyring?: readonly string[];
  readonly checkSignature: boolean;
  readonly jobs?: number;
}

export function addMirrorCheckCommand(mirror: Command, run: CommandRun): void {
  mirror
    .command('check')
    .description(
      'check the manifests, blobs, signatures, keys and indexes of a build cache against each other',
    )
    .argument('<mirror>', 'a path, a file: URL, or a configured name')
    .option('--deep', 'read all tarballs, and compare their checksums')
    .option('-k, --keyring <file...>', 'public keys to trust in addition to the trusted-keys folder')
    .option('--no-check-signature', 'accept packages whose signature is missing or not trusted')
    .option('-j, --jobs <n>', 'number of files to read at a time', wholeNumber('--jobs', 1))
    .action((reference: string, flags: CheckFlags) =>
      run(flags, (console, signal) => checkCommand({ reference, flags, console, signal })),
    );
}

interface CheckCommand {
  readonly reference: string;
  readonly flags: CheckFlags;
  readonly console: Console;
  readonly signal: AbortSignal;
}

async function checkCommand({ reference, flags, console, signal }: CheckCommand): Promise<number> {
  const mirrors = await openMirrors({ mirror: [reference] }, console);
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'regraft-check-'));
  try {
    const { keyring: files, deep = false, checkSignature, jobs } = flags;
    const keyring = await Keyring.load({ files, trustedKeysFolder: defaultTrustedKeysFolder() });
    const { engine } = selectEngine('js', {});
    let ok = true;
    for (const mirror of mirrors) {
      const request = { mirror, keyring, checkSignature, deep, engine, temporaryFolder, jobs };
      const report = await checkMirror(request, { signal });
      renderMirrorCheck(report, console);
      ok &&= report.ok;
    }
    return ok ? EXIT.done : EXIT.failed;
  } finally {
    await rm(temporaryFolder, { recursive: true, force: true });
    await closeMirrors(mirrors);
  }
}
