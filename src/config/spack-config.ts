// A section of the configuration (`config`, `mirrors`, `packages`, `upstreams`), merged from its scopes. FORMATS.md §1; Spack `spack.config`.
import { ConfigValue } from './config-value.js';
import { type ConfigScope, readSection, type ScopeSection } from './scopes/config-scope.js';
import { mergeScopes, Origins } from './scopes/merge-scopes.js';
import { isMapping, type YamlMapping, type YamlValue } from './yaml-file.js';

/** What one scope has in a section. */
export interface SectionOfScope extends ScopeSection {
  /** Its name. */
  readonly scope: string;
}

export class ConfigSection {
  /** What each scope has, weakest first. */
  readonly parts: readonly SectionOfScope[];
  readonly #root: YamlMapping;
  readonly #origins: Origins;

  private constructor({
    parts,
    root,
    origins,
  }: { parts: readonly SectionOfScope[]; root: YamlMapping; origins: Origins }) {
    this.parts = parts;
    this.#root = root;
    this.#origins = origins;
  }

  /**
   * Reads a section in every scope, and merges them.
   *
   * @param scopes - weakest first.
   * @throws UsageError `config` naming the unusable file.
   */
  static read(section: string, scopes: readonly ConfigScope[]): ConfigSection {
    return ConfigSection.merge(
      scopes.flatMap((scope) => {
        const found = readSection(scope, section);
        return found === undefined ? [] : [{ ...found, scope: scope.name }];
      }),
    );
  }

  /** Merges what scopes have, weakest first. */
  static merge(parts: readonly SectionOfScope[]): ConfigSection {
    const origins = new Origins();
    const root = parts.reduce<YamlMapping>(
      (weaker, { content, file }) => mergeScopes(weaker, content, { file, origins, keys: [] }),
      new Map(),
    );
    return new ConfigSection({ parts, root, origins });
  }

  /** The value at a path of keys; undefined if it is absent or null, or if something above it is not a mapping. */
  get(...keys: readonly string[]): ConfigValue | undefined {
    let value: YamlValue | undefined = this.#root;
    for (const key of keys) value = isMapping(value) ? value.get(key) : undefined;
    if (value === undefined || value === null) return undefined;
    return new ConfigValue({ value, keys, fileOf: (path) => this.fileOf(...path) });
  }

  /** The file that relative paths in a setting are relative to, even if no file has the setting. */
  fileOf(...keys: readonly string[]): string {
    return this.originsOf(...keys)[0] ?? '';
  }

  /** All files that a value was merged from, the strongest first. */
  originsOf(...keys: readonly string[]): readonly string[] {
    return this.#origins.of(keys);
  }
}
