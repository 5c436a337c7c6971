// `mirrors.yaml`, Spack's and our own (FORMATS.md §2): which mirrors are configured, under which names, and how to reach them.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { UsageError } from '../core/errors.js';
import { schemeOf } from '../core/url-scheme.js';
import { expandConfigPath, type PathVariables } from './config-path.js';
import { ConfigValue } from './config-value.js';

/** How to log in to a mirror; values or the names of environment variables that hold them. */
export interface MirrorConnection {
  readonly accessPair?: {
    readonly id?: string;
    readonly idVariable?: string;
    readonly secret?: string;
    readonly secretVariable?: string;
  };
  readonly accessToken?: string;
  readonly accessTokenVariable?: string;
  readonly profile?: string;
  readonly endpointUrl?: string;
}

export interface ConfiguredMirror {
  readonly name: string;
  readonly fetchUrl: string;
  /** Absent where the configuration names no place to push to. */
  readonly pushUrl: string | undefined;
  readonly source: boolean;
  readonly binary: boolean;
  /** Whether metadata must be signed. */
  readonly signed: boolean;
  readonly fetchConnection: MirrorConnection;
  readonly pushConnection: MirrorConnection;
}

/** A mirror to be opened with `openMirror(url, { name, signed })`. */
export interface ResolvedMirror {
  /** Absent for a mirror that was given by its URL. */
  readonly name: string | undefined;
  readonly url: string;
  readonly signed: boolean;
  readonly connection: MirrorConnection;
}

/** Schemes that Spack knows; a text with another one, or none, is a path. */
const SCHEMES: ReadonlySet<string> = new Set([
  'file',
  'http',
  'https',
  's3',
  'gs',
  'oci',
  'oci+http',
  'sftp',
  'ftp',
]);

/**
 * Reads a `mirrors.yaml`; a file that is not there configures no mirrors.
 * @returns The mirrors in the order of search.
 * @throws UsageError `config` naming the file and the key.
 */
export async function readMirrorsConfig(
  file: string,
  variables: PathVariables = {},
): Promise<ConfiguredMirror[]> {
  const document = ConfigValue.read(file);
  return document === undefined ? [] : readMirrors(document, variables);
}

/**
 * Parses the text of a `mirrors.yaml`.
 * @param file Its path: relative paths in it are relative to its folder.
 * @throws UsageError `config` naming the file and the key.
 */
export async function parseMirrorsConfig(
  text: string,
  file: string,
  variables: PathVariables = {},
): Promise<ConfiguredMirror[]> {
  return readMirrors(ConfigValue.parse(text, file), variables);
}

type ToUrl = (reference: ConfigValue) => string;

function readMirrors(document: ConfigValue, variables: PathVariables): ConfiguredMirror[] {
  // "mirrors::" is Spack's way to replace what other files configure.
  const section = document.find('mirrors') ?? document.find('mirrors:');
  if (section === undefined) return [];
  const toUrl: ToUrl = (reference) => normalizeReference(reference, variables);
  return section.entries().map(([name, value]) => readMirror(name.replace(/:$/, ''), value, toUrl));
}

function readMirror(name: string, value: ConfigValue, toUrl: ToUrl): ConfiguredMirror {
  if (value.isText) return plainMirror(name, toUrl(value));
  const fetchUrl = readUrl(value, 'fetch');
  if (fetchUrl === undefined) throw value.invalid('has no URL to fetch from');
  const pushUrl = readUrl(value, 'push');
  return {
    name,
    fetchUrl: toUrl(fetchUrl),
    pushUrl: pushUrl === undefined ? undefined : toUrl(pushUrl),
    source: value.find('source')?.boolean() ?? true,
    binary: value.find('binary')?.boolean() ?? true,
    signed: value.find('signed')?.boolean() ?? true,
    fetchConnection: readConnection(value, 'fetch'),
    pushConnection: readConnection(value, 'push'),
  };
}

function plainMirror(name: string, url: string): ConfiguredMirror {
  const flags = { source: true, binary: true, signed: true };
  return { name, fetchUrl: url, pushUrl: url, ...flags, fetchConnection: {}, pushConnection: {} };
}

type Direction = 'fetch' | 'push';

function readUrl(mirror: ConfigValue, direction: Direction): ConfigValue | undefined {
  const specific = mirror.find(direction);
  if (specific?.isText) return specific;
  return specific?.find('url') ?? mirror.find('url');
}

/** Keys of the direction override those of the mirror one by one. */
function readConnection(mirror: ConfigValue, direction: Direction): MirrorConnection {
  const specific = mirror.find(direction);
  const find = (key: string): ConfigValue | undefined =>
    (specific === undefined || specific.isText ? undefined : specific.find(key)) ?? mirror.find(key);
  const text = (key: string): string | undefined => find(key)?.word();
  return defined({
    accessPair: readAccessPair(find('access_pair')),
    accessToken: text('access_token'),
    accessTokenVariable: text('access_token_variable'),
    profile: text('profile'),
    endpointUrl: text('endpoint_url'),
  });
}

/** `[id, secret]`, or in Spack 1.x an object that may name variables. */
function readAccessPair(pair: ConfigValue | undefined): MirrorConnection['accessPair'] {
  if (pair === undefined) return undefined;
  if (pair.isList) {
    const items = pair.items();
    if (items.length !== 2) throw pair.invalid('is not a pair of id and secret');
    return defined({ id: items[0]?.wordOrNull(), secret: items[1]?.wordOrNull() });
  }
  const text = (key: string): string | undefined => pair.find(key)?.word();
  return defined({
    id: text('id'),
    idVariable: text('id_variable'),
    secret: text('secret'),
    secretVariable: text('secret_variable'),
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function normalizeReference(reference: ConfigValue, variables: PathVariables): string {
  const path = reference.word();
  if (SCHEMES.has(schemeOf(path) ?? '')) return path;
  const { file, key } = reference;
  return pathToFileURL(expandConfigPath({ path, file: resolve(file), key }, variables)).href;
}

/**
 * Finds the mirrors that a command names.
 * @param references Names of configured mirrors, URLs or paths; none means all configured mirrors with binary packages.
 * @throws UsageError `unknown-mirror` for a name that nobody configured.
 */
export function resolveMirrors(
  references: readonly string[],
  configured: readonly ConfiguredMirror[],
): readonly ResolvedMirror[] {
  if (references.length === 0) return configured.filter((mirror) => mirror.binary).map(toResolved);
  const resolved = new Map<string, ResolvedMirror>();
  for (const reference of references) {
    const mirror = resolveMirror(reference, configured);
    if (!resolved.has(mirror.url)) resolved.set(mirror.url, mirror);
  }
  return [...resolved.values()];
}

function resolveMirror(reference: string, configured: readonly ConfiguredMirror[]): ResolvedMirror {
  const named = configured.find((mirror) => mirror.name === reference);
  if (named !== undefined) return toResolved(named);
  const url = schemeOf(reference) === undefined ? pathToFileURL(resolve(reference)).href : reference;
  const same = configured.find((mirror) => withoutSlash(mirror.fetchUrl) === withoutSlash(url));
  if (same !== undefined) return toResolved(same);
  if (schemeOf(reference) === undefined) requirePath(reference, url, configured);
  return { name: undefined, url, signed: true, connection: {} };
}

/** A word without slashes that is no folder here is a misspelled name rather than a path. */
function requirePath(reference: string, url: string, configured: readonly ConfiguredMirror[]): void {
  if (/[/\\]/.test(reference) || existsSync(fileURLToPath(url))) return;
  const known = configured.map((mirror) => mirror.name);
  const hint =
    known.length === 0
      ? 'No mirrors are configured; give a URL or a path'
      : `Configured are: ${known.join(', ')}`;
  throw new UsageError(
    'unknown-mirror',
    `Cannot find mirror "${reference}": it is neither configured nor a folder`,
    {
      hint,
      data: { reference, known },
    },
  );
}

function toResolved(mirror: ConfiguredMirror): ResolvedMirror {
  return {
    name: mirror.name,
    url: mirror.fetchUrl,
    signed: mirror.signed,
    connection: mirror.fetchConnection,
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
