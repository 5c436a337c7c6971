// A scope of a Spack's configuration: a folder with a file for each section, or one file with several sections.
import { join } from 'node:path';
import { ConfigValue } from '../config-value.js';
import { parseKey, type YamlMapping } from '../yaml-file.js';

export interface ConfigScope {
  /** As Spack calls it: `user`, `site`, `env:/path`. */
  readonly name: string;
  readonly path: string;
  /** Of one file: the key that its sections are below, such as `spack`. A folder has none. */
  readonly file?: { readonly below?: string };
  /** Defaults cannot be removed by `include::`. */
  readonly isDefault?: boolean;
  /** Its `include::` removes the scopes that are weaker, except those that it includes itself. */
  readonly replaces?: boolean;
  /** The names of the scopes it includes, and of those that they include. */
  readonly included?: readonly string[];
}

/** A section of a scope, with its own key, which may have a mark (`mirrors::`). */
export interface ScopeSection {
  readonly content: YamlMapping;
  readonly file: string;
}

/**
 * Reads a section of a scope; undefined if the scope has none.
 * @throws UsageError `config` for a file that cannot be used.
 */
export function readSection(scope: ConfigScope, section: string): ScopeSection | undefined {
  const file = scope.file === undefined ? join(scope.path, `${section}.yaml`) : scope.path;
  const document = ConfigValue.read(file);
  const below = scope.file?.below;
  const mapping = (below === undefined ? document : document?.find(below))?.mapping();
  if (mapping === undefined) return undefined;
  return sectionIn(mapping, { section, file });
}

/** Finds a section among those of a file. */
export function sectionIn(
  mapping: YamlMapping,
  { section, file }: { readonly section: string; readonly file: string },
): ScopeSection | undefined {
  const content = new Map([...mapping].filter(([key]) => parseKey(key).key === section));
  return content.size === 0 ? undefined : { content, file };
}
