// The buildinfo of a package, `.spack/binary_distribution`: what is to be relocated, and which prefixes it was built with
// (FORMATS.md §4). Its texts are byte strings, one character per byte: names of files need not be UTF-8.

import { MetadataError } from '../../core/errors.js';
import { parseYamlRecord, type YamlRecord, YamlRecordError, type YamlRecordValue } from './yaml-record.js';

export interface Buildinfo {
  readonly sbangInstallPath: string | undefined;
  /** The root of the store in which the package was built. */
  readonly buildpath: string;
  readonly spackprefix: string | undefined;
  /** The old prefix below the old root. */
  readonly relativePrefix: string | undefined;
  readonly relocateTextfiles: readonly string[];
  readonly relocateBinaries: readonly string[];
  readonly relocateLinks: readonly string[];
  /** False in old packages: they list each name of a hard link. */
  readonly hardlinksDeduped: boolean;
  readonly relativeRpaths: boolean;
  /** Dag hashes with the prefixes they had, in the order of the file. */
  readonly hashToPrefix: ReadonlyMap<string, string>;
}

/**
 * Parses a buildinfo file of any age.
 *
 * @param bytes - the whole file.
 * @param source - how messages name the file.
 * @throws MetadataError `buildinfo-invalid`.
 */
export function parseBuildinfo(bytes: Uint8Array, source: string): Buildinfo {
  const fields = new Fields(readRecord(bytes, source), source);
  return {
    sbangInstallPath: fields.findText('sbang_install_path'),
    buildpath: fields.getText('buildpath'),
    spackprefix: fields.findText('spackprefix'),
    relativePrefix: fields.findText('relative_prefix'),
    relocateTextfiles: fields.getList('relocate_textfiles'),
    relocateBinaries: fields.getList('relocate_binaries'),
    relocateLinks: fields.findList('relocate_links'),
    hardlinksDeduped: fields.findFlag('hardlinks_deduped'),
    relativeRpaths: fields.findFlag('relative_rpaths'),
    hashToPrefix: fields.findMap('hash_to_prefix') ?? invert(fields.findMap('prefix_to_hash') ?? new Map()),
  };
}

function readRecord(bytes: Uint8Array, source: string): YamlRecord {
  try {
    return parseYamlRecord(bytes);
  } catch (cause) {
    if (cause instanceof YamlRecordError) throw invalid(source, cause.message, {}, cause);
    throw cause;
  }
}

/** Of several prefixes with one hash the last one counts, as when Python inverts a dictionary. */
function invert(prefixToHash: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...prefixToHash].map(([prefix, hash]): [string, string] => [hash, prefix]));
}

class Fields {
  readonly #record: YamlRecord;
  readonly #source: string;

  constructor(record: YamlRecord, source: string) {
    this.#record = record;
    this.#source = source;
  }

  /** Python writes None as `null`, or as nothing; neither is a path. */
  findText(key: string): string | undefined {
    const value = this.#record.get(key);
    if (value === undefined || value === '' || value === 'null' || value === '~') return undefined;
    if (typeof value !== 'string') throw this.#wrongType(key, 'a text');
    return this.#requireNoNul(key, value);
  }

  getText(key: string): string {
    return this.findText(key) ?? this.#missing(key);
  }

  findList(key: string): readonly string[] {
    const value = this.#record.get(key);
    if (value === undefined || isNothing(value)) return [];
    if (!Array.isArray(value)) throw this.#wrongType(key, 'a list');
    return value.map((item: string) => this.#requireNoNul(key, item));
  }

  /** Without these lists nothing would be relocated, and nobody would notice. */
  getList(key: string): readonly string[] {
    if (!this.#record.has(key)) this.#missing(key);
    return this.findList(key);
  }

  findFlag(key: string): boolean {
    const value = this.#record.get(key);
    if (value === undefined || isNothing(value)) return false;
    if (typeof value === 'string' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
    throw this.#wrongType(key, 'true or false');
  }

  findMap(key: string): ReadonlyMap<string, string> | undefined {
    const value = this.#record.get(key);
    if (value === undefined || isNothing(value)) return undefined;
    if (typeof value === 'string' || !('get' in value)) throw this.#wrongType(key, 'a mapping');
    for (const texts of value) for (const text of texts) this.#requireNoNul(key, text);
    return value;
  }

  #requireNoNul(key: string, text: string): string {
    if (text.includes('\0')) throw invalid(this.#source, `"${key}" has a name with a NUL in it`, { key });
    return text;
  }

  #wrongType(key: string, wanted: string): MetadataError {
    return invalid(this.#source, `"${key}" is not ${wanted}`, { key, expected: wanted });
  }

  #missing(key: string): never {
    throw invalid(this.#source, `"${key}" is missing`, { key });
  }
}

function isNothing(value: YamlRecordValue): boolean {
  return value === '' || value === 'null' || value === '~';
}

function invalid(source: string, reason: string, data: object, cause?: unknown): MetadataError {
  return new MetadataError('buildinfo-invalid', `Cannot read the buildinfo "${source}": ${reason}`, {
    cause,
    data: { source, ...data },
  });
}
