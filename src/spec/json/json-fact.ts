// A value in a JSON document: reads it as a narrow type, or fails with an error that names its path.
// Only own properties count, so a file that names "__proto__" or "constructor" finds nothing inherited.

import { MetadataError } from '../../core/errors.js';
import type { JsonObject, JsonValue } from '../spec.js';

/** Control characters could control the terminal or break a line where the text is displayed. */
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

/** Deeper than any file of Spack, and shallow enough for every recursive reader that follows. */
const DEEPEST_NESTING = 64;

export class JsonFact {
  readonly value: JsonValue;
  readonly source: string;
  readonly #parent: JsonFact | undefined;
  readonly #key: string | number;

  /**
   * @param value - the parsed JSON.
   * @param source - how messages name the file.
   * @param place - how messages name this value; empty for the whole document.
   */
  constructor(
    value: JsonValue,
    source: string,
    place: string | { parent: JsonFact; key: string | number } = '',
  ) {
    this.value = value;
    this.source = source;
    this.#parent = typeof place === 'string' ? undefined : place.parent;
    this.#key = typeof place === 'string' ? place : place.key;
  }

  /** The path of this value, such as `spec.nodes[0].name`; built on demand. */
  get path(): string {
    const above = this.#parent?.path ?? '';
    if (typeof this.#key === 'number') return `${above}[${this.#key}]`;
    return above === '' ? this.#key : `${above}.${this.#key}`;
  }

  /** The error for a value of the wrong type. */
  invalid(wanted: string): MetadataError {
    const path = this.path;
    const what = path === '' ? 'the document' : `"${path}"`;
    const actual = path === '' ? kindOfJson(this.value) : describeJson(this.value);
    return new MetadataError(
      'metadata-invalid',
      `Cannot read "${this.source}": ${what} is ${actual}, not ${wanted}`,
      {
        data: { source: this.source, path, actual, expected: wanted },
      },
    );
  }

  object(): JsonObject {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.invalid('an object');
    return value as JsonObject;
  }

  /** The property, or undefined if it is absent. */
  find(key: string): JsonFact | undefined {
    const object = this.object();
    if (!Object.hasOwn(object, key)) return undefined;
    return new JsonFact(object[key] ?? null, this.source, { parent: this, key });
  }

  /** The required property. */
  get(key: string): JsonFact {
    const found = this.find(key);
    if (found !== undefined) return found;
    const missing = new JsonFact(null, this.source, { parent: this, key });
    throw new MetadataError(
      'metadata-invalid',
      `Cannot read "${this.source}": "${missing.path}" is missing`,
      {
        data: { source: this.source, path: missing.path, actual: 'missing' },
      },
    );
  }

  items(): JsonFact[] {
    const { value } = this;
    if (!Array.isArray(value)) throw this.invalid('a list');
    return value.map((item: JsonValue, key) => new JsonFact(item, this.source, { parent: this, key }));
  }

  entries(): [string, JsonFact][] {
    return Object.entries(this.object()).map(([key, value]) => [
      key,
      new JsonFact(value, this.source, { parent: this, key }),
    ]);
  }

  /** A text without control characters. */
  text(): string {
    if (typeof this.value !== 'string') throw this.invalid('a text');
    if (CONTROL_CHARACTERS.test(this.value)) throw this.invalid('a text without control characters');
    return this.value;
  }

  /** A text, or undefined for null. */
  textOrNull(): string | undefined {
    return this.value === null ? undefined : this.text();
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.invalid('true or false');
    return this.value;
  }

  /** A whole number of at least zero. */
  count(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value) || this.value < 0) {
      throw this.invalid('a whole number');
    }
    return this.value;
  }

  /** Rejects values nested so deeply that a recursive reader or writer would overflow its stack. */
  requireShallow(): void {
    if (isDeeperThan(this.value, DEEPEST_NESTING)) {
      throw new MetadataError(
        'metadata-invalid',
        `Cannot read "${this.source}": "${this.path}" is nested too deeply`,
        {
          data: { source: this.source, path: this.path, limit: DEEPEST_NESTING },
        },
      );
    }
  }
}

function isDeeperThan(value: JsonValue, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (limit === 0) return true;
  const inside: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  for (const inner of inside) if (typeof inner === 'object' && isDeeperThan(inner, limit - 1)) return true;
  return false;
}

/** What a server that repeats the headers of a request says, in place of a document. */
const LOGIN = /\b(basic|bearer|aws4-hmac-sha256|authorization|signature)\b/i;

/** A text as the whole document is not repeated: a server that answers with what it was asked may repeat a password. */
function kindOfJson(value: JsonValue): string {
  return typeof value === 'string' ? 'a text' : describeJson(value);
}

function describeJson(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value !== 'string') return String(value);
  if (LOGIN.test(value)) return 'a text';
  const shown = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return JSON.stringify(shown);
}
