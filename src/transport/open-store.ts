// Opens an object store by the scheme of its URL; anything without a scheme is a path.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MirrorError } from '../core/errors.js';
import { schemeOf } from '../core/url-scheme.js';
import { ArchiveStore } from './archive/store.js';
import type { ConnectionOptions } from './connection/dispatcher.js';
import { FileStore } from './file/store.js';
import { HttpObjects } from './http/objects.js';
import { RetryBudget } from './http/retry-budget.js';
import { exponentialBackoff, type RetryPolicy } from './http/retry-policy.js';
import type { ObjectStore } from './object-store.js';
import { openGoogleBucket, openS3Bucket } from './s3/open-bucket.js';
import type { Clock } from './steady/clock.js';
import { SteadyStore } from './steady/steady-store.js';
import { type TransferSettings, transferSettings } from './steady/transfer-settings.js';
import type { StoreConnection } from './store-connection.js';

export interface OpenStoreOptions extends ConnectionOptions {
  readonly retry?: RetryPolicy | undefined;
  /** How to log in. */
  readonly connection?: StoreConnection | undefined;
  /** Limits of transfers, over those of the environment. */
  readonly settings?: Partial<TransferSettings> | undefined;
  readonly clock?: Clock | undefined;
  /** Told once of a mirror that failed too often, and is left alone from then on. */
  readonly onLeftAlone?: ((error: MirrorError) => void) | undefined;
}

type OpenScheme = (reference: string, options: OpenStoreOptions) => ObjectStore;

const SCHEMES: ReadonlyMap<string | undefined, OpenScheme> = new Map<string | undefined, OpenScheme>([
  [undefined, openPath],
  ['file', (url) => openPath(filePath(url))],
  ['http', steady((url, options) => new HttpObjects({ ...options, url: parseUrl(url) }))],
  ['https', steady((url, options) => new HttpObjects({ ...options, url: parseUrl(url) }))],
  ['s3', steady(openS3Bucket)],
  ['gs', steady(openGoogleBucket)],
]);

/**
 * Opens an object store; nothing is read yet.
 * @param reference A `file:`, `http:`, `https:`, `s3:` or `gs:` URL, or a path; a path of a folder, or of a tar archive, which is only read.
 * @throws MirrorError `mirror-protocol` for other schemes and for what is not a URL; UsageError `config` for a connection that cannot be
 * used.
 */
export function openObjectStore(reference: string, options: OpenStoreOptions = {}): ObjectStore {
  const scheme = schemeOf(reference);
  const open = SCHEMES.get(scheme);
  if (open === undefined) throw unsupported(scheme);
  return open(reference, options);
}

/** What the caller names goes first. */
function withCertificates({ connection, ...options }: OpenStoreOptions): OpenStoreOptions {
  const { caFile, clientCertificate, clientKey } = connection ?? {};
  return { ...options, connection, ...{ clientCertificate, clientKey }, caFile: options.caFile ?? caFile };
}

/** A file is a tar archive, or nothing that can be a mirror: reading it tells. So is a name for one, lest a push make a folder of it. */
function openPath(path: string): ObjectStore {
  const root = resolve(path);
  const isArchive = kindOf(root) === 'file' || (kindOf(root) === 'absent' && root.endsWith('.tar'));
  return isArchive ? ArchiveStore.at(root) : new FileStore({ root });
}

function kindOf(path: string): 'file' | 'absent' | 'other' {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? 'absent' : found.isFile() ? 'file' : 'other';
  } catch {
    return 'other'; // the store tells why when it is used
  }
}

function steady(open: OpenScheme): OpenScheme {
  return (reference, options) => openSteadily(options, (http) => open(reference, http));
}

/** Opens a place on a network, where bodies break off; others than object stores have a store for reading beneath them. */
export function openSteadily(
  { clock, onLeftAlone, ...given }: OpenStoreOptions,
  open: (options: OpenStoreOptions) => ObjectStore,
): ObjectStore {
  const options = withCertificates(given);
  const settings = { ...transferSettings(options.environment ?? process.env), ...options.settings };
  const { retry = exponentialBackoff({ budget: new RetryBudget(settings.retries) }) } = options;
  const bodyTimeout = options.bodyTimeout ?? settings.idleTimeout;
  const store = open({ ...options, retry, bodyTimeout });
  return new SteadyStore({ store, retry, settings, clock, onLeftAlone });
}

function filePath(reference: string): string {
  try {
    // "file:name" would quietly mean "/name".
    if (!/^file:\//i.test(reference)) throw new Error('the path is not absolute');
    const url = new URL(reference);
    url.search = '';
    url.hash = '';
    return fileURLToPath(url);
  } catch (cause) {
    throw new MirrorError(
      'mirror-protocol',
      `Cannot open mirror "${reference}": it is not a file URL on this machine`,
      {
        cause,
        hint: 'Write it as file:///absolute/path',
        data: { reference },
      },
    );
  }
}

function parseUrl(reference: string): URL {
  if (URL.canParse(reference)) return new URL(reference);
  // The text is not repeated: a password cannot be stripped from a URL that cannot be parsed.
  throw new MirrorError('mirror-protocol', 'Cannot open a mirror: its URL cannot be parsed', {
    hint: 'Write it as https://host/path',
  });
}

function unsupported(scheme: string | undefined): MirrorError {
  return new MirrorError('mirror-protocol', `Cannot open a mirror with "${scheme}:"`, {
    hint: 'Use file:, http:, https:, s3:, gs:, oci: or oci+http:',
    data: { scheme },
  });
}
