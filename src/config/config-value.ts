// One place in a YAML configuration file, which names itself in errors. Maps keep their order, which is the order of search.

import { UsageError } from '../core/errors.js';

export class ConfigValue {
  readonly #value: unknown;
  readonly #file: string;
  readonly #key: string;

  private constructor(value: unknown, file: string, key: string) {
    this.#value = value;
    this.#file = file;
    this.#key = key;
  }

  /**
   * Parses a YAML 1.2 file.
   * @throws UsageError `config` when it is not YAML.
   */
  static async parse(text: string, file: string): Promise<ConfigValue> {
    const { parse } = await import('yaml');
    try {
      return new ConfigValue(parse(text, { mapAsMap: true, logLevel: 'error' }) ?? new Map(), file, '');
    } catch (cause) {
      const reason =
        cause instanceof Error ? (cause.message.split('\n')[0] ?? '').replace(/:$/, '') : String(cause);
      throw new UsageError('config', `Cannot parse "${file}": ${reason}`, { cause, data: { file, reason } });
    }
  }

  get isText(): boolean {
    return typeof this.#value === 'string';
  }

  get isList(): boolean {
    return Array.isArray(this.#value);
  }

  /** The value of a key; undefined where it is absent or empty. */
  find(key: string): ConfigValue | undefined {
    const value = this.#map().get(key);
    return value === undefined || value === null ? undefined : this.#child(value, key);
  }

  entries(): readonly (readonly [string, ConfigValue])[] {
    return [...this.#map()].map(([key, value]) => {
      if (typeof key !== 'string' && typeof key !== 'number')
        throw this.invalid('has a key that is not a text');
      return [String(key), this.#child(value, String(key))] as const;
    });
  }

  items(): readonly ConfigValue[] {
    if (!Array.isArray(this.#value)) throw this.invalid('is not a list');
    return this.#value.map((value: unknown, i) => this.#child(value, String(i)));
  }

  text(): string {
    if (typeof this.#value !== 'string' || this.#value === '') throw this.invalid('is not a text');
    return this.#value;
  }

  textOrNull(): string | undefined {
    return this.#value === null ? undefined : this.text();
  }

  boolean(): boolean {
    if (typeof this.#value !== 'boolean') throw this.invalid('is neither true nor false');
    return this.#value;
  }

  /** The error that this value cannot be used; the value itself may be a secret and is not shown. */
  invalid(reason: string): UsageError {
    const what = this.#key === '' ? 'it' : `"${this.#key}"`;
    return new UsageError('config', `Cannot use "${this.#file}": ${what} ${reason}`, {
      data: { file: this.#file, key: this.#key },
    });
  }

  #map(): ReadonlyMap<unknown, unknown> {
    if (!(this.#value instanceof Map)) throw this.invalid('is not a mapping');
    return this.#value;
  }

  #child(value: unknown, key: string): ConfigValue {
    return new ConfigValue(value, this.#file, this.#key === '' ? key : `${this.#key}:${key}`);
  }
}
