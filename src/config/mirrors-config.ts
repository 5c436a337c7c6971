// `mirrors.yaml`, Spack's and regraft's (FORMATS.md §2): the configured mirrors, their names, and how to reach them.

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
  /** Absent if the configuration has no URL to push to. */
  readonly pushUrl: string | undefined;
  /** Why a place cannot be used; its URL is then the text of the configuration. `resolveMirrors` throws it. */
  readonly fetchProblem?: UsageError;
  readonly pushProblem?: UsageError;
  readonly source: boolean;
  readonly binary: boolean;
  /** Whether metadata must be signed. */
  readonly signed: boolean;
  /** The view of the index, in mirrors of layout 3. */
  readonly fetchView?: string;
  readonly pushView?: string;
  readonly fetchConnection: MirrorConnection;
  readonly pushConnection: MirrorConnection;
}

/** A mirror to open with `openMirror(url, { name, signed, view })`. */
export interface ResolvedMirror {
  /** Absent for a mirror given by its URL. */
  readonly name: string | undefined;
  readonly url: string;
  readonly signed: boolean;
  readonly view?: string | undefined;
  readonly connection: MirrorConnection;
}

/** Schemes that Spack knows; a reference with another scheme, or none, is a path. */
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
 * Reads a `mirrors.yaml`; a missing file configures no mirrors.
 * @returns The mirrors in search order.
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

/** A URL, or a text with what is wrong with it. */
interface MirrorPlace {
  readonly url: string;
  readonly problem?: UsageError;
}

type ToPlace = (reference: ConfigValue) => MirrorPlace;

function readMirrors(document: ConfigValue, variables: PathVariables): ConfiguredMirror[] {
  // In Spack, "mirrors::" replaces what other files configure.
  const section = document.find('mirrors') ?? document.find('mirrors:');
  if (section === undefined) return [];
  const toPlace: ToPlace = (reference) => placeOf(reference, variables);
  return section
    .entries()
    .map(([name, value]) => readMirror({ name: name.replace(/:$/, ''), value, toPlace }));
}

interface MirrorEntry {
  readonly name: string;
  readonly value: ConfigValue;
  readonly toPlace: ToPlace;
}

function readMirror({ name, value, toPlace }: MirrorEntry): ConfiguredMirror {
  if (value.isText) return plainMirror(name, toPlace(value));
  const fetchUrl = readUrl(value, 'fetch');
  if (fetchUrl === undefined) throw value.invalid('has no URL to fetch from');
  const pushUrl = readUrl(value, 'push');
  return {
    name,
    ...placesOf(toPlace(fetchUrl), pushUrl && toPlace(pushUrl)),
    source: value.find('source')?.boolean() ?? true,
    binary: value.find('binary')?.boolean() ?? true,
    signed: value.find('signed')?.boolean() ?? true,
    ...defined({ fetchView: readView(value, 'fetch'), pushView: readView(value, 'push') }),
    fetchConnection: readConnection(value, 'fetch'),
    pushConnection: readConnection(value, 'push'),
  };
}

function plainMirror(name: string, place: MirrorPlace): ConfiguredMirror {
  const flags = { source: true, binary: true, signed: true };
  return { name, ...placesOf(place, place), ...flags, fetchConnection: {}, pushConnection: {} };
}

function placesOf(fetch: MirrorPlace, push: MirrorPlace | undefined) {
  return {
    fetchUrl: fetch.url,
    pushUrl: push?.url,
    ...defined({ fetchProblem: fetch.problem, pushProblem: push?.problem }),
  };
}

type Direction = 'fetch' | 'push';

function readUrl(mirror: ConfigValue, direction: Direction): ConfigValue | undefined {
  const specific = mirror.find(direction);
  if (specific?.isText) return specific;
  return specific?.find('url') ?? mirror.find('url');
}

/** An empty name means no view. */
function readView(mirror: ConfigValue, direction: Direction): string | undefined {
  return findFor(mirror, direction, 'view')?.text() || undefined;
}

/** Each key of the direction (fetch or push) overrides that of the mirror. */
function findFor(mirror: ConfigValue, direction: Direction, key: string): ConfigValue | undefined {
  const specific = mirror.find(direction);
  return (specific === undefined || specific.isText ? undefined : specific.find(key)) ?? mirror.find(key);
}

function readConnection(mirror: ConfigValue, direction: Direction): MirrorConnection {
  const find = (key: string): ConfigValue | undefined => findFor(mirror, direction, key);
  const text = (key: string): string | undefined => find(key)?.word();
  return defined({
    accessPair: readAccessPair(find('access_pair')),
    accessToken: text('access_token'),
    accessTokenVariable: text('access_token_variable'),
    profile: text('profile'),
    endpointUrl: text('endpoint_url'),
  });
}

/** `[id, secret]`, or in Spack 1.x an object that may name environment variables. */
function readAccessPair(pair: ConfigValue | undefined): MirrorConnection['accessPair'] {
  if (pair === undefined) return undefined;
  if (pair.isList) {
    const items = pair.items();
    if (items.length !== 2) throw pair.invalid('is not a pair of an id and a secret');
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

/** A mirror that only Spack can find fails when it is used, so that the others can be used. */
function placeOf(reference: ConfigValue, variables: PathVariables): MirrorPlace {
  const path = reference.word();
  if (SCHEMES.has(schemeOf(path) ?? '')) return { url: path };
  const { file, key } = reference;
  try {
    return { url: pathToFileURL(expandConfigPath({ path, file: resolve(file), key }, variables)).href };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { url: path, problem: error };
  }
}

/**
 * Finds the mirrors that a command names.
 * @param references Names of configured mirrors, URLs or paths; none means all configured mirrors with binary packages.
 * @throws UsageError `unknown-mirror` for a name that is not configured; `config` for a mirror whose URL has a variable that only Spack
 * can expand.
 */
export function resolveMirrors(
  references: readonly string[],
  configured: readonly ConfiguredMirror[],
): readonly ResolvedMirror[] {
  if (references.length === 0) return configured.filter((mirror) => mirror.binary).map(toResolved);
  const resolved = new Map<string, ResolvedMirror>();
  for (const reference of references) {
    const mirror = resolveMirror(reference, configured);
    const place = JSON.stringify([mirror.url, mirror.view]);
    if (!resolved.has(place)) resolved.set(place, mirror);
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

/** A word without slashes that is neither a folder nor an archive here is a misspelled name rather than a path. */
function requirePath(reference: string, url: string, configured: readonly ConfiguredMirror[]): void {
  if (/[/\\]/.test(reference) || existsSync(fileURLToPath(url))) return;
  const known = configured.map((mirror) => mirror.name);
  const hint =
    known.length === 0
      ? 'No mirrors are configured; use a URL or a path'
      : `Configured mirrors: ${known.join(', ')}`;
  throw new UsageError(
    'unknown-mirror',
    `Cannot find mirror "${reference}": it is neither a configured name nor a folder or archive`,
    {
      hint,
      data: { reference, known },
    },
  );
}

function toResolved(mirror: ConfiguredMirror): ResolvedMirror {
  if (mirror.fetchProblem !== undefined) throw mirror.fetchProblem;
  return {
    name: mirror.name,
    url: mirror.fetchUrl,
    signed: mirror.signed,
    ...defined({ view: mirror.fetchView }),
    connection: mirror.fetchConnection,
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
