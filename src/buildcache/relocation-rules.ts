// Which of the rules of relocation the Spack that wrote a package goes by (FORMATS.md §5). Who reads the metadata says so; who
// relocates asks for nothing else, and for no version.

export interface RelocationRules {
  /** PT_INTERP is rewritten as rpaths are; without it the C strings find it. */
  readonly rewriteInterpreter: boolean;
}

/** The rules of a layout. */
export function rulesOfLayout(layoutVersion: number): RelocationRules {
  return { rewriteInterpreter: layoutVersion >= 2 };
}
