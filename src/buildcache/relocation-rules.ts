// The relocation rules of the Spack version that wrote a package (FORMATS.md §5). The reader of the metadata chooses them; the
// relocation depends only on them, never on a version.

/** The order in which the prefixes of a spec's nodes are replaced. */
export type HashOrder = 'depth-first' | 'breadth-first';

export interface RelocationRules {
  /** PT_INTERP is rewritten like rpaths; otherwise it is handled as a C string. */
  readonly rewriteInterpreter: boolean;
  /** Text files whose names end in `~` are also relocated. */
  readonly relocateBackupFiles: boolean;
  /** A replaced link target is normalized. */
  readonly normalizeLinkTargets: boolean;
  /**
   * One mapping for text, rpaths, links and C strings: sbang's path, the prefixes by hash, the store's root, no identities. Otherwise
   * sbang's path is only for text, the package's own prefix precedes the root, and identities shield paths in rpaths and links.
   */
  readonly sbangInAllMappings: boolean;
  readonly hashOrder: HashOrder;
}

/** What every Spack 1.x goes by, whoever wrote the package: layout 3. */
export const SPACK_1_RULES: RelocationRules = {
  rewriteInterpreter: true,
  relocateBackupFiles: true,
  normalizeLinkTargets: false,
  sbangInAllMappings: true,
  hashOrder: 'breadth-first',
};

/** The rules of a layout from 0 to 2. */
export function rulesOfLayout(layoutVersion: number): RelocationRules {
  return {
    rewriteInterpreter: layoutVersion >= 2,
    relocateBackupFiles: false,
    normalizeLinkTargets: true,
    sbangInAllMappings: false,
    hashOrder: 'depth-first',
  };
}
