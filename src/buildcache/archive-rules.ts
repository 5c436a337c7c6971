// How the archive of a package is made, which differs between the layouts (FORMATS.md §1, §3, §4).

export interface ArchiveRules {
  /** The directories above the prefix are members too. */
  readonly withParents: boolean;
  /** The YAML style of the buildinfo: a line for each value, or one line for all. */
  readonly buildinfo: 'block' | 'flow';
  /** How files are told apart and which are listed: as `file` and the older Spacks do it, or as Spack 1.x does. */
  readonly classification: 'file' | 'spack-1';
}

export const LAYOUT_1_ARCHIVE: ArchiveRules = {
  withParents: false,
  buildinfo: 'block',
  classification: 'file',
};

export const LAYOUT_2_ARCHIVE: ArchiveRules = { ...LAYOUT_1_ARCHIVE, withParents: true };

export const LAYOUT_3_ARCHIVE: ArchiveRules = {
  withParents: true,
  buildinfo: 'flow',
  classification: 'spack-1',
};
