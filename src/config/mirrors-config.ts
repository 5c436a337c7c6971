// `mirrors.yaml`, Spack's and regraft's (FORMATS.md §2): the configured mirrors, their names, and how to reach them.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { UsageError } from '../core/errors.js';
import { schemeOf } from '../core/url-scheme.js';
import { expandConfigPath, type PathVariables } from './config-path.js';
import { ConfigValue } from './config-value.js';
import { sectionIn } from './scopes/config-scope.js';
import { ConfigSection } from './spack-config.js';

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
  /** PEM files: authorities to trust, and what to show to a server that asks who is there. Not in Spack's files. */
  readonly caFile?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
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

/** Schemes that Spack knows; a reference with another scheme, or none, is a path. */
export const MIRROR_SCHEMES: ReadonlySet<string> = new Set([
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
 * Reads the mirrors of a section, in search order.
 * @throws UsageError `config` naming the file and the key.
 */
export function readMirrors(
  section: ConfigSection,
  variables: PathVariables = {},
): readonly ConfiguredMirror[] {
  const expand: Expand = ({ file, key, value }) =>
    expandConfigPath({ path: String(value), file: resolve(file), key }, variables);
  return (section.get('mirrors')?.entries() ?? []).map(([name, value]) =>
    readMirror({ name, value, expand }),
  );
}

/**
 * Parses the text of a `mirrors.yaml`.
 * @param file Its path: relative paths in it are relative to its folder.
 * @throws UsageError `config` naming the file and the key.
 */
export function parseMirrorsConfig(
  text: string,
  file: string,
  variables: PathVariables = {},
): readonly ConfiguredMirror[] {
  const section = sectionIn(ConfigValue.parse(text, file).mapping(), { section: 'mirrors', file });
  const parts = section === undefined ? [] : [{ ...section, scope: file }];
  return readMirrors(ConfigSection.merge(parts), variables);
}

/** A URL, or a text with what is wrong with it. */
interface MirrorPlace {
  readonly url: string;
  readonly problem?: UsageError;
}

/** Makes a path absolute. */
type Expand = (path: ConfigValue) => string;

interface MirrorEntry {
  readonly name: string;
  readonly value: ConfigValue;
  readonly expand: Expand;
}

function readMirror({ name, value, expand }: MirrorEntry): ConfiguredMirror {
  const toPlace = (reference: ConfigValue): MirrorPlace => placeOf(reference, expand);
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
    fetchConnection: readConnection({ mirror: value, direction: 'fetch', expand }),
    pushConnection: readConnection({ mirror: value, direction: 'push', expand }),
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

/** Each key of the direction (fetch or push) overrides that of the mirror; null takes it away. */
function findFor(mirror: ConfigValue, direction: Direction, key: string): ConfigValue | undefined {
  const specific = mirror.find(direction);
  const hasOwn = specific !== undefined && !specific.isText && specific.mapping().has(key);
  return (hasOwn ? specific : mirror).find(key);
}

interface ConnectionPlace {
  readonly mirror: ConfigValue;
  readonly direction: Direction;
  readonly expand: Expand;
}

function readConnection({ mirror, direction, expand }: ConnectionPlace): MirrorConnection {
  const find = (key: string): ConfigValue | undefined => findFor(mirror, direction, key);
  const text = (key: string): string | undefined => find(key)?.word();
  const path = (key: string): string | undefined => {
    const found = find(key);
    return found === undefined || found.word() === '' ? undefined : expand(found);
  };
  return defined({
    caFile: path('ca_file'),
    clientCertificate: path('client_certificate'),
    clientKey: path('client_key'),
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
    // Pairs of two scopes are one list: Spack uses what comes first.
    if (items.length < 2) throw pair.invalid('is not a pair of an id and a secret');
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
function placeOf(reference: ConfigValue, expand: Expand): MirrorPlace {
  const path = reference.word();
  if (MIRROR_SCHEMES.has(schemeOf(path) ?? '')) return { url: path };
  try {
    return { url: pathToFileURL(expand(reference)).href };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { url: path, problem: error };
  }
}
