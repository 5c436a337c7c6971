// A value in the configuration that knows its key and its file, for error messages.
import { UsageError } from '../core/errors.js';
import { isMapping, parseYaml, readYamlFile, type YamlMapping, type YamlValue } from './yaml-file.js';

export interface ConfigPlace {
  readonly value: YamlValue;
  /** The keys that lead to the value. */
  readonly keys: readonly string[];
  /** The file that last set the value of a key. */
  readonly fileOf: (keys: readonly string[]) => string;
}

export class ConfigValue {
  readonly #place: ConfigPlace;

  constructor(place: ConfigPlace) {
    this.#place = place;
  }

  /**
   * Parses the text of one file.
   * @throws UsageError `config` when it is not YAML.
   */
  static parse(text: string, file: string): ConfigValue {
    return new ConfigValue({ value: parseYaml(text, file), keys: [], fileOf: () => file });
  }

  /**
   * Reads one file; undefined if it does not exist.
   * @throws UsageError `config` when it cannot be read, or is not YAML.
   */
  static read(file: string): ConfigValue | undefined {
    const value = readYamlFile(file);
    return value === undefined ? undefined : new ConfigValue({ value, keys: [], fileOf: () => file });
  }

  get value(): YamlValue {
    return this.#place.value;
  }

  /** The file that contains it. */
  get file(): string {
    return this.#place.fileOf(this.#place.keys);
  }

  /** How messages name it: `config:install_tree:root`. */
  get key(): string {
    return this.#place.keys.join(':');
  }

  get isText(): boolean {
    return typeof this.value === 'string';
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  /** The value of a key; undefined where it is absent or empty. */
  find(key: string): ConfigValue | undefined {
    const value = this.mapping().get(key);
    return value === undefined || value === null ? undefined : this.#child(value, key);
  }

  entries(): readonly (readonly [string, ConfigValue])[] {
    return [...this.mapping()].map(([key, value]) => {
      if (typeof key !== 'string' && typeof key !== 'number')
        throw this.invalid('has a key that is not a string');
      return [String(key), this.#child(value, String(key))] as const;
    });
  }

  items(): readonly ConfigValue[] {
    if (!Array.isArray(this.value)) throw this.invalid('is not a list');
    return this.value.map((value: YamlValue, i) => this.#child(value, String(i)));
  }

  mapping(): YamlMapping {
    if (!isMapping(this.value)) throw this.invalid('is not a mapping');
    return this.value;
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.invalid('is not a string');
    return this.value;
  }

  /** A string that is not empty. */
  word(): string {
    return this.text() || this.#refuse('is empty');
  }

  wordOrNull(): string | undefined {
    return this.value === null ? undefined : this.word();
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.invalid('is not true or false');
    return this.value;
  }

  /** A number that is at least 0. */
  number(): number {
    if (typeof this.value !== 'number' || !(this.value >= 0))
      throw this.invalid('is not a number of at least 0');
    return this.value;
  }

  /** Makes the error for an unusable value. The value is not shown: it may be a secret. */
  invalid(reason: string): UsageError {
    const { key, file } = this;
    const what = key === '' ? `"${file}"` : `"${key}" of "${file}"`;
    return new UsageError('config', `Cannot use ${what}: it ${reason}`, { data: { file, key } });
  }

  #refuse(reason: string): never {
    throw this.invalid(reason);
  }

  #child(value: YamlValue, key: string): ConfigValue {
    return new ConfigValue({ ...this.#place, value, keys: [...this.#place.keys, key] });
  }
}
