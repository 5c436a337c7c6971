// `regraft keys`: trusted public keys, and those that build caches publish.
import type { Command } from 'commander';
import { isFingerprint } from '../../buildcache/key-index.js';
import { BuildcacheError, UsageError } from '../../core/errors.js';
import type { PublishedLayout } from '../../mirror/open-mirror.js';
import { type FetchedKey, fetchKeys } from '../../operations/keys/keys.js';
import { publishKeys } from '../../operations/keys/publish-keys.js';
import { readKeysToPublish, trustKeyFiles } from '../../operations/keys/trust-keys.js';
import { openStore } from '../../operations/open-store.js';
import { layoutOfSpack } from '../../operations/publish/layout-of-spack.js';
import { listGpgKeys } from '../../signature/gpg.js';
import type { KeyFacts } from '../../signature/keys/key-facts.js';
import { defaultTrustedKeysFolder } from '../../signature/keys/keyring.js';
import { TrustedKeys } from '../../signature/keys/trusted-keys.js';
import { type Console, describeError } from '../console.js';
import { EXIT, exitCodeOf } from '../exit-code.js';
import { type LayoutFlags, layoutOf, layoutOption, openPushMirror } from '../mirrors/push-mirror.js';
import { closeMirrors, type MirrorFlags, openMirrors } from '../options.js';
import { ProgressLines } from '../progress-lines.js';
import { count } from '../render/format.js';
import type { CommandRun } from '../run.js';

const MIRROR_OPTION = 'build cache to read: a URL, a path, or a configured name (default: all configured)';

export function addKeysCommand(program: Command, run: CommandRun): void {
  const keys = program.command('keys').description('manage trusted public keys, and those of build caches');
  addListCommand(keys, run);
  addFetchCommand(keys, run);
  addTrustCommand(keys, run);
  addUntrustCommand(keys, run);
  addPushCommand(keys, run);
}

function addListCommand(keys: Command, run: CommandRun): void {
  keys
    .command('list')
    .description('list the trusted keys')
    .option('--gpg', 'list the signing keys in your GnuPG keyring instead')
    .action((flags: { readonly gpg?: boolean }) =>
      run(flags, async (console, signal) => {
        const listed = flags.gpg
          ? (await listGpgKeys({ signal })).filter((key) => key.canSign)
          : (await trustedKeys().list()).map(({ facts, file }) => ({ ...facts, file }));
        for (const key of listed) printLines(keyLines(key), console);
        console.result({ keys: listed });
        return EXIT.done;
      }),
    );
}

interface KeysPushFlags extends LayoutFlags {
  readonly mirror: readonly string[];
}

interface FetchFlags extends MirrorFlags {
  readonly trust?: readonly string[];
}

function addFetchCommand(keys: Command, run: CommandRun): void {
  keys
    .command('fetch')
    .description('show the keys that build caches publish, without trusting them')
    .option('-m, --mirror <url...>', MIRROR_OPTION)
    .option('--ca-file <file>', 'certificate authorities to trust for https, in PEM')
    .option('--trust <fingerprint...>', 'full fingerprints of keys to trust, obtained from their owners')
    .action((flags: FetchFlags) =>
      run(flags, async (console, signal) => {
        const trust = (flags.trust ?? []).map(wholeFingerprint);
        const mirrors = await openMirrors(flags, console);
        try {
          const fetched = await fetchKeys({ mirrors, trustedKeys: trustedKeys(), trust }, { signal });
          for (const key of fetched) printFetched(key, console);
          console.result({ keys: fetched });
          const failure = fetched.find(({ error }) => error !== undefined)?.error;
          return failure === undefined ? EXIT.done : exitCodeOf(failure);
        } finally {
          await closeMirrors(mirrors);
        }
      }),
    );
}

function addTrustCommand(keys: Command, run: CommandRun): void {
  keys
    .command('trust')
    .description('trust the keys in files')
    .argument('<file...>', 'key files, armored or binary')
    .action((files: string[], flags: object) =>
      run(flags, async (console) => {
        const trusted = await trustKeyFiles(files, trustedKeys());
        for (const { facts } of trusted) printLines(['trusted', ...keyLines(facts)], console);
        console.result({ keys: trusted.map(({ facts }) => facts) });
        return EXIT.done;
      }),
    );
}

function addUntrustCommand(keys: Command, run: CommandRun): void {
  keys
    .command('untrust')
    .description('stop trusting keys')
    .argument('<fingerprint...>', 'full fingerprints')
    .action((fingerprints: string[], flags: object) =>
      run(flags, async (console) => {
        const wanted = fingerprints.map(wholeFingerprint);
        for (const fingerprint of wanted) {
          await trustedKeys().remove(fingerprint);
          console.line(`no longer trusted: ${fingerprint}`);
        }
        console.result({ untrusted: wanted });
        return EXIT.done;
      }),
    );
}

function addPushCommand(keys: Command, run: CommandRun): void {
  keys
    .command('push')
    .description('publish public keys and their index on build caches')
    .argument('[key...]', 'key files, fingerprints of trusted keys, or gpg:ID (default: all trusted keys)')
    .requiredOption(
      '-m, --mirror <url...>',
      'build caches to write to: a path, a file: URL, or a configured name',
    )
    .addOption(layoutOption())
    .action((names: string[], flags: KeysPushFlags) =>
      run(flags, async (console, signal) => {
        const published = await readKeysToPublish(names, trustedKeys(), signal);
        const newLayout = layoutOfDefaultStore();
        const progress = new ProgressLines(console);
        const onProgress = progress.handle.bind(progress);
        const reports: unknown[] = [];
        for (const reference of flags.mirror) {
          const mirror = await openPushMirror(reference, { layout: layoutOf(flags), newLayout });
          const { fingerprints } = await publishKeys({ mirror, keys: published }, { signal, onProgress });
          await mirror.cache.close?.();
          reports.push({
            mirror: mirror.cache.url,
            published: published.map((key) => key.fingerprint),
            fingerprints,
          });
          console.line(
            `published ${count(published.length, 'key')}, indexed ${fingerprints.length}, at ${mirror.cache.url}`,
          );
        }
        console.result({ mirrors: reports });
        return EXIT.done;
      }),
    );
}

/** Undefined where there is no store. */
function layoutOfDefaultStore(): PublishedLayout | undefined {
  try {
    return layoutOfSpack(openStore({ upstreams: [] }).database.content().version);
  } catch (error) {
    if (error instanceof BuildcacheError && error.code === 'root-unusable') return undefined;
    throw error;
  }
}

function trustedKeys(): TrustedKeys {
  return new TrustedKeys(defaultTrustedKeysFolder());
}

/** Only full fingerprints: the end of one is easily forged. */
function wholeFingerprint(text: string): string {
  const fingerprint = text.replaceAll(' ', '').replace(/^0x/i, '').toUpperCase();
  if (isFingerprint(fingerprint)) return fingerprint;
  throw new UsageError('usage', `Cannot use "${text}": it is not a full fingerprint`, {
    hint: 'A fingerprint has 40 hexadecimal digits; ask the owner of the key for it',
    data: { actual: text },
  });
}

function printFetched({ facts, fingerprint, location, error, trust }: FetchedKey, console: Console): void {
  console.line(`${location} (${trust.replace('-', ' ')})`);
  printLines(facts === undefined ? [fingerprint] : keyLines(facts), console);
  if (error !== undefined) console.err.write(console.shown(describeError(error)));
}

function printLines([first, ...more]: readonly string[], console: Console): void {
  if (first !== undefined) console.line(first);
  for (const line of more) console.line(`  ${line}`);
}

function keyLines({ fingerprint, userIds, created, expires, revoked, algorithm }: KeyFacts): string[] {
  const state = revoked ? 'REVOKED' : expires === undefined ? 'does not expire' : expiry(expires);
  return [fingerprint, ...userIds, `${algorithm}, made ${day(created)}, ${state}`];
}

function expiry(expires: Date): string {
  return `${expires.getTime() < Date.now() ? 'EXPIRED' : 'expires'} ${day(expires)}`;
}

function day(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'at an unknown time' : date.toISOString().slice(0, 10);
}
