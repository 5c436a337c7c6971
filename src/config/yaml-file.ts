// Reads a YAML configuration file; all its faults give one coded error.
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { UsageError } from '../core/errors.js';
import { describeSystemError, isAbsent } from '../host/system-error.js';

/** No configuration file comes near this. */
const MAX_SIZE = 16 << 20;

/** The content of a YAML document. Mappings keep their order: it is the search order. */
export type YamlValue = string | number | boolean | null | readonly YamlValue[] | YamlMapping;
export type YamlMapping = ReadonlyMap<YamlValue, YamlValue>;

/**
 * Reads a YAML file.
 *
 * @returns undefined if the file does not exist; an empty mapping for an empty file.
 * @throws UsageError `config`.
 */
export function readYamlFile(file: string): YamlValue | undefined {
  const text = readText(file);
  return text === undefined ? undefined : parseYaml(text, file);
}

function readText(file: string): string | undefined {
  try {
    if (statSync(file).size > MAX_SIZE) throw unusableFile(file, 'it is too large');
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    if (isAbsent(cause)) return undefined;
    throw unusableFile(file, describeSystemError(cause), cause);
  }
}

/**
 * Parses the text of a YAML 1.2 file, with merge keys (`<<`).
 *
 * @param file - how messages name it.
 * @throws UsageError `config`.
 */
export function parseYaml(text: string, file: string): YamlValue {
  try {
    // Loaded with the first file that exists: it takes 60 ms, and most runs read none.
    const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    const value = parse(text, { mapAsMap: true, logLevel: 'error' }) as YamlValue | undefined;
    return mergeKeys(value ?? new Map());
  } catch (cause) {
    // Deep nesting gives a RangeError, everything else an error of the parser.
    const [firstLine = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw unusableFile(file, firstLine.replace(/:$/, ''), cause);
  }
}

/** Fills in what merge keys name. The keys of a mapping come first, then those merged into it, as in Spack's library. */
function mergeKeys(value: YamlValue): YamlValue {
  if (Array.isArray(value)) return value.map(mergeKeys);
  if (!isMapping(value)) return value;
  const own = new Map([...value].map(([key, each]) => [key, mergeKeys(each)] as const));
  const merged = own.get('<<');
  const sources = Array.isArray(merged) ? merged : [merged];
  if (!sources.every(isMapping)) return own;
  own.delete('<<');
  const names = new Set([...own.keys()].map((key) => parseKey(key).key));
  for (const [key, each] of sources.flatMap((source: YamlMapping) => [...source])) {
    const name = parseKey(key).key;
    if (!names.has(name)) own.set(key, each);
    names.add(name);
  }
  return own;
}

/** The key without the mark that it replaces what weaker scopes have; in Spack a key with "@" is a spec, and has no marks. */
export function parseKey(anyKey: YamlValue): { readonly key: string; readonly replaces: boolean } {
  const name = String(anyKey);
  const replaces = name.endsWith(':') && !name.includes('@');
  return { key: replaces ? name.slice(0, -1) : name, replaces };
}

export function isMapping(value: YamlValue | undefined): value is YamlMapping {
  return value instanceof Map;
}

function unusableFile(file: string, state: string, cause?: unknown): UsageError {
  return new UsageError('config', `Cannot use the configuration file "${file}": ${state}`, {
    cause,
    data: { file },
  });
}
