// The text of a store's database: reads it into records, and writes it back with everything unknown kept unchanged.
// FORMATS.md §2 "Store database"; Spack `Database._read_from_file`, `_write_to_file`.
import { readFileSync } from 'node:fs';
import { MetadataError, StoreError } from '../../core/errors.js';
import { systemErrorCode } from '../../host/system-error.js';
import { asciiJson } from '../../spec/json/ascii-json.js';
import { parseNode } from '../../spec/json/spec-json.js';
import type { WritableFormat } from '../../spec/json/write-node.js';
import type { DagHash, JsonObject, JsonValue, SpecNode } from '../../spec/spec.js';
import { storeIoError } from '../store-io.js';

/** A package's record in a store's database. */
export interface InstallRecord {
  readonly hash: DagHash;
  /** Undefined for an external provided by modules only. */
  readonly path: string | undefined;
  readonly installed: boolean;
  /** The package was installed explicitly, not as a dependency. */
  readonly explicit: boolean;
  /** Number of records that depend on this one. */
  readonly refCount: number;
  /** Seconds since 1970. */
  readonly installationTime: number | undefined;
  readonly deprecatedFor: DagHash | undefined;
  /** The record as it was read, with unknown keys too. */
  readonly raw: JsonObject;
}

export type RecordMap = ReadonlyMap<DagHash, InstallRecord>;

/** The content of an `index.json`. */
export interface DatabaseContent {
  readonly version: DatabaseVersion;
  /** In the order of the file. */
  readonly records: RecordMap;
  /** The document without its installs. */
  readonly document: JsonObject;
}

export type DatabaseVersion = 5 | 6 | 7 | 8;

/** The format of the nodes in each version of the database. */
const NODE_FORMATS: Readonly<Record<DatabaseVersion, WritableFormat>> = { 5: 1, 6: 3, 7: 4, 8: 5 };
const NEWEST_VERSION = 8;
/** The version for new stores: Spack 0.20 to 0.23 read it, and later ones upgrade it. */
const VERSION_OF_NEW_STORES = 7;
/** What new stores get whose packages a Spack 1.x made: it reads nothing else. */
const VERSION_OF_SPACK_1 = 8;

export function nodeFormat(version: DatabaseVersion): WritableFormat {
  return NODE_FORMATS[version];
}

/** The version that a new store should have for specs of a format. */
export function versionForFormat(formatVersion: number): DatabaseVersion {
  return formatVersion >= NODE_FORMATS[VERSION_OF_SPACK_1] ? VERSION_OF_SPACK_1 : VERSION_OF_NEW_STORES;
}

/** The content for a store that has no database. */
export function emptyDatabase(version: DatabaseVersion = VERSION_OF_NEW_STORES): DatabaseContent {
  return { version, records: new Map(), document: { database: { version: String(version), installs: {} } } };
}

/**
 * Reads an `index.json`.
 *
 * @returns undefined if there is none.
 * @throws StoreError `database-unreadable`, `database-version`, `store-io`.
 */
export function readDatabaseFile(path: string): DatabaseContent | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseDatabase(text, path);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const number = systemErrorCode(cause);
    if (number === 'ENOENT') return undefined;
    if (number === 'ERR_STRING_TOO_LONG' || number === 'ERR_FS_FILE_TOO_LARGE')
      throw unreadable(path, 'it is too large', cause);
    throw storeIoError('read', path, cause, 'root-unusable');
  }
}

/** Parses the text of an `index.json`; throws the same errors as `readDatabaseFile`. */
export function parseDatabase(text: string, path: string): DatabaseContent {
  const document = parseJson(text, path);
  if (!isObject(document)) throw unreadable(path, 'it is not a JSON object');
  const database = own(document, 'database');
  if (!isObject(database)) throw unreadable(path, 'it has no "database"');
  const version = parseVersion(own(database, 'version'), path);
  const installs = own(database, 'installs');
  if (!isObject(installs)) throw unreadable(path, 'it has no "installs"');
  const records = new Map<DagHash, InstallRecord>();
  for (const [hash, raw] of Object.entries(installs))
    records.set(hash as DagHash, parseRecord(hash, raw, path));
  return { version, records, document };
}

function parseJson(text: string, path: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw unreadable(path, text.trim() === '' ? 'it is empty' : 'it is not valid JSON', cause);
  }
}

function parseVersion(value: JsonValue | undefined, path: string): DatabaseVersion {
  if (typeof value !== 'string' || !/^\d+(\.\d+)*$/.test(value))
    throw unreadable(path, 'it has no "version"');
  const version = Number(value);
  if (isKnownVersion(version)) return version;
  const isNewer = Number.parseInt(value, 10) > NEWEST_VERSION;
  throw new StoreError(
    'database-version',
    `Cannot use "${path}": its database version is ${value}, versions 5 to ${NEWEST_VERSION} are supported`,
    {
      hint: isNewer
        ? 'A newer Spack wrote it: update regraft'
        : 'Let a newer Spack upgrade it with "spack reindex"',
      data: { path, actual: value, supported: Object.keys(NODE_FORMATS).map(Number) },
    },
  );
}

function isKnownVersion(version: number): version is DatabaseVersion {
  return Object.hasOwn(NODE_FORMATS, version);
}

function parseRecord(hash: string, raw: JsonValue, path: string): InstallRecord {
  if (!isObject(raw)) throw unreadable(path, `the record of "${hash}" is not an object`);
  if (!isObject(own(raw, 'spec'))) throw unreadable(path, `the record of "${hash}" has no "spec"`);
  const prefix = own(raw, 'path') ?? undefined;
  if (prefix !== undefined && typeof prefix !== 'string')
    throw unreadable(path, `the path of "${hash}" is not a string`);
  return recordOf(hash as DagHash, raw);
}

/** Reads a record from its JSON object; missing fields get Spack's defaults. */
export function recordOf(hash: DagHash, raw: JsonObject): InstallRecord {
  const path = own(raw, 'path');
  const time = own(raw, 'installation_time');
  const refCount = own(raw, 'ref_count');
  const deprecatedFor = own(raw, 'deprecated_for');
  return {
    hash,
    // Old databases have the string "None" for externals without a path.
    path: typeof path === 'string' && path !== 'None' && path !== '' ? path : undefined,
    installed: own(raw, 'installed') === true,
    explicit: own(raw, 'explicit') === true,
    refCount: typeof refCount === 'number' ? refCount : 0,
    installationTime: typeof time === 'number' ? time : undefined,
    deprecatedFor: typeof deprecatedFor === 'string' ? (deprecatedFor as DagHash) : undefined,
    raw,
  };
}

const nodes = new WeakMap<JsonObject, SpecNode>();

/**
 * The spec node of a record.
 *
 * @throws MetadataError if the record's node cannot be read.
 */
export function nodeOfRecord(record: InstallRecord, version: DatabaseVersion): SpecNode {
  const known = nodes.get(record.raw);
  if (known !== undefined) return known;
  const node = parseNode(own(record.raw, 'spec') ?? null, nodeFormat(version), {
    source: 'the store database',
    path: `database.installs.${record.hash}.spec`,
    hash: record.hash,
  });
  nodes.set(record.raw, node);
  return node;
}

/** Like `nodeOfRecord`, but undefined for a node that cannot be read, such as an old Spack may have written. */
export function tryNodeOfRecord(record: InstallRecord, version: DatabaseVersion): SpecNode | undefined {
  try {
    return nodeOfRecord(record, version);
  } catch (cause) {
    if (cause instanceof MetadataError) return undefined;
    throw cause;
  }
}

const texts = new WeakMap<JsonObject, string>();

/** The text of an `index.json`: compact, ASCII, in the order it was read. */
export function formatDatabase({ document, records }: DatabaseContent): string {
  const installs = Array.from(records.values(), ({ hash, raw }) => `${asciiJson(hash)}:${recordText(raw)}`);
  return formatObject(document, 'database', (database) =>
    formatObject(isObject(database) ? database : {}, 'installs', () => `{${installs.join(',')}}`),
  );
}

/** Most records do not change between two writes. */
function recordText(raw: JsonObject): string {
  const known = texts.get(raw);
  if (known !== undefined) return known;
  const text = asciiJson(raw);
  texts.set(raw, text);
  return text;
}

function formatObject(object: JsonObject, key: string, format: (value: JsonValue) => string): string {
  const entries = Object.entries(object).map(
    ([name, value]) => `${asciiJson(name)}:${name === key ? format(value) : asciiJson(value)}`,
  );
  return `{${entries.join(',')}}`;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own properties only: not `constructor` and the like. */
function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function unreadable(path: string, state: string, cause?: unknown): StoreError {
  return new StoreError('database-unreadable', `Cannot read the store database "${path}": ${state}`, {
    hint: 'Nothing was changed; "spack reindex" rebuilds it from the installed packages',
    cause,
    data: { path },
  });
}
