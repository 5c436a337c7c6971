// Reading a YAML file of Spack's configuration into plain JSON values; whatever is wrong with it ends in one coded error.
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { UsageError } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../spec/spec.js';
import { errorNumber, reasonOf } from '../store/store-io.js';

/** No configuration file comes near this. */
const MAX_SIZE = 16 << 20;

/**
 * Reads a YAML file whose top level is a mapping.
 *
 * @returns undefined when there is no such file; an empty object for an empty file.
 * @throws UsageError `config`.
 */
export function readYamlMapping(path: string): JsonObject | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const value = parseYaml(text, path) ?? {};
  if (isMapping(value)) return value;
  throw unusableFile(path, 'it is not a mapping');
}

function readText(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_SIZE) throw unusableFile(path, 'it is too large');
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const number = errorNumber(cause);
    if (cause instanceof UsageError) throw cause;
    if (number === 'ENOENT' || number === 'ENOTDIR') return undefined;
    throw unusableFile(path, reasonOf(cause), cause);
  }
}

function parseYaml(text: string, path: string): JsonValue {
  try {
    // Loaded at the first file that is there: it costs 60 ms, and most runs read none.
    const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    return parse(text, { logLevel: 'error' }) as JsonValue;
  } catch (cause) {
    // Deep nesting ends in a RangeError, everything else in an error of the parser.
    const [firstLine = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw unusableFile(path, firstLine.replace(/:$/, ''), cause);
  }
}

export function isMapping(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unusableFile(path: string, state: string, cause?: unknown): UsageError {
  return new UsageError('config', `Cannot use the configuration file "${path}": ${state}`, {
    cause,
    data: { path },
  });
}
