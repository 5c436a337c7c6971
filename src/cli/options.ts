// Options shared by several commands, and opening what they name.
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { configuredMirrors } from '../config/configured-mirrors.js';
import { resolveMirrors } from '../config/resolve-mirrors.js';
import { type MirrorError, UsageError } from '../core/errors.js';
import type { Environment } from '../host/environment.js';
import { describeSystemError } from '../host/system-error.js';
import type { Mirror } from '../mirror/build-cache.js';
import { defaultIndexCacheFolder } from '../mirror/index/index-cache.js';
import { IndexClient } from '../mirror/index/index-client.js';
import type { PackageCatalog } from '../mirror/index/package-catalog.js';
import { openMirror } from '../mirror/open-mirror.js';
import { RetryBudget } from '../transport/http/retry-budget.js';
import { exponentialBackoff } from '../transport/http/retry-policy.js';
import { transferSettings } from '../transport/steady/transfer-settings.js';
import type { Console } from './console.js';

export interface MirrorFlags {
  readonly mirror?: readonly string[];
  readonly offline?: boolean;
  readonly refresh?: boolean;
  readonly caFile?: string;
  readonly view?: string;
}

export interface StoreFlags {
  readonly root?: string;
  readonly projection?: string;
  readonly paddedLength?: number;
  readonly spackPrefix?: string;
  readonly upstream?: readonly string[];
}

export const VIEW_OPTION = 'view of the index to read, in build caches of layout 3';

export function addMirrorOptions(command: Command): Command {
  return command
    .option(
      '-m, --mirror <url...>',
      'build cache to read: a URL, a path, or a configured name (default: all configured)',
    )
    .option('--view <name>', VIEW_OPTION)
    .option('--offline', 'use only cached indexes, request none')
    .option('--refresh', 'discard cached indexes first')
    .option('--ca-file <file>', 'certificate authorities to trust for https, in PEM');
}

export function addStoreOptions(command: Command): Command {
  return command
    .option(
      '-r, --root <dir>',
      'root of the store (default: that of the Spack in $SPACK_ROOT, else $XDG_DATA_HOME/regraft/opt)',
    )
    .option('--spack-prefix <dir>', 'prefix of the Spack that uses the store')
    .option('--upstream <dir...>', 'root of another store whose packages serve as dependencies');
}

/** Parses a whole number that is at least `least`. */
export function wholeNumber(name: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && text.trim() !== '') return value;
    throw new UsageError(
      'usage',
      `Cannot use "${text}" for ${name}: it is not a whole number of at least ${least}`,
    );
  };
}

/**
 * Opens the mirrors that the flags name, or all that are configured.
 * @throws UsageError `no-mirror`, `unknown-mirror`, `config`; MirrorError `mirror-protocol`
 */
export async function openMirrors(
  flags: MirrorFlags,
  console: Pick<Console, 'warn'>,
): Promise<readonly Mirror[]> {
  const environment: Environment = process.env;
  const resolved = resolveMirrors(flags.mirror ?? [], await configuredMirrors(environment));
  if (resolved.length === 0) {
    throw new UsageError(
      'no-mirror',
      'Cannot look for packages: no mirror is named, and none is configured',
      {
        hint: 'Name a build cache with --mirror URL, or configure one in mirrors.yaml',
      },
    );
  }
  const { caFile } = flags;
  const settings = transferSettings(environment);
  // One budget for all of them.
  const retry = exponentialBackoff({ budget: new RetryBudget(settings.retries) });
  const onLeftAlone = ({ message, data }: MirrorError) => console.warn(`${message}: ${String(data.reason)}`);
  const common = { environment, caFile, settings, retry, onLeftAlone, isOnlyRead: true };
  return Promise.all(
    resolved.map(({ url, ...mirror }) =>
      openMirror(url, { ...mirror, ...common, view: flags.view ?? mirror.view }),
    ),
  );
}

/** Closes the connections to mirrors, so that the process can exit. */
export async function closeMirrors(mirrors: readonly Mirror[]): Promise<void> {
  await Promise.all(mirrors.map(({ cache }) => cache.close?.()));
}

/** Reads the indexes; an index that cannot be read becomes a warning. */
export async function loadCatalog(
  mirrors: readonly Mirror[],
  flags: MirrorFlags,
  console: Console,
  signal: AbortSignal,
): Promise<PackageCatalog> {
  if (flags.offline && flags.refresh) throw new UsageError('usage', 'Cannot use --refresh with --offline');
  const client = new IndexClient({
    cacheFolder: defaultIndexCacheFolder(),
    mirrors,
    offline: flags.offline,
    refresh: flags.refresh,
  });
  const { catalog, warnings } = await client.load(signal);
  for (const warning of warnings) console.warn(warning.message);
  return catalog;
}

/** Reads a file named on the command line. */
export async function readNamedFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UsageError('usage', `Cannot read "${path}": ${describeSystemError(cause)}`, {
      cause,
      data: { path },
    });
  }
}
