// Which of the rules of relocation the Spack that wrote a package goes by (FORMATS.md §5). Whoever reads the metadata says so; whoever
// relocates asks for nothing else, and for no version.

/** The order in which the prefixes of a spec's nodes are replaced. */
export type HashOrder = 'depth-first' | 'breadth-first';

export interface RelocationRules {
  /** PT_INTERP is rewritten as rpaths are; without it the C strings find it. */
  readonly rewriteInterpreter: boolean;
  /** Text files whose name ends in `~` are relocated, too. */
  readonly relocateBackupFiles: boolean;
  /** A link target that was replaced is normalized. */
  readonly normalizeLinkTargets: boolean;
  /**
   * One mapping for text, rpaths, links and C strings: sbang's path, the prefixes by hash, the store's root, and no identities. Without it
   * sbang's path is for text only, the package's own prefix stands before the root, and identities shield in rpaths and links.
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
