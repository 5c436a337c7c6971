// Why a kernel (of whatever engine) refuses a binary, by the number it returns; the words are those of src/binfmt, which is the reference.

/** The refusal that comes before any growth. */
export const RPATH_TOO_LONG = 'its new rpath is too long';

/** Why an ELF file cannot grow. */
export const ELF_PROBLEMS: readonly string[] = [
  '',
  'it is no ELF file',
  'its program headers have an unknown size',
  'its section headers have an unknown size',
  'it has too many program headers',
  'its headers are not complete',
  'its dynamic section is not complete',
  'no section header describes its string table',
  'its string table has two sizes or addresses',
  'it has no dynamic string table',
  'its string table is not complete',
  'its string table has bytes that something else uses',
  'its string table is too large',
  'no section header describes its dynamic symbols',
  'its sections are not complete',
  'a string lies outside of its table',
  'its interpreter is not complete',
  'its interpreter has bytes that something else uses',
  'it has no loadable segment',
  'its loadable segments are not in order',
  'its segments are not complete',
  'its segments have an impossible alignment',
  'there is no address left behind its segments',
  'there is no room for one more program header',
  RPATH_TOO_LONG,
  'its sections overlap',
  'its sections are too large',
  'it has too many names',
  'a name in it is too long',
  'its string table would be too large',
  'its interpreter is too large',
];

/** Why the signature of a Mach-O file cannot be made anew. */
export const SIGNATURE_PROBLEMS: readonly string[] = [
  '',
  'its code signature is too large',
  'its code signature is malformed',
  'its code signature is not complete',
  'its code signature has no directory',
  'its code directory is not complete',
  'its code directory has an unknown form',
  'its code directory does not fit the file',
];

/** In which forms a Mach-O file is recognised, and refused. */
export const MACHO_FORMS: readonly string[] = ['', '32 bit', '32 bit, big-endian', 'big-endian'];
