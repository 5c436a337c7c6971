// Why kernels refuse a file: the one list of their numbers. assembly/ names the same numbers, and a test compares them
// (test/engines/binary-problems.test.ts); the words are those of src/binfmt, which is the reference.

/** The name of a number in assembly/binary/problems.ts, and the words for it. */
export type Problem = readonly [name: string, words: string];

/** The refusal that comes before any growth. */
export const RPATH_TOO_LONG = 'its new rpath is too long';

/** Why an ELF file cannot grow: 1 is the first. */
export const ELF_PROBLEMS: readonly Problem[] = [
  ['UNKNOWN_SEGMENT_SIZE', 'its program headers have an unknown size'],
  ['UNKNOWN_SECTION_SIZE', 'its section headers have an unknown size'],
  ['TOO_MANY_SEGMENTS', 'it has too many program headers'],
  ['HEADERS_INCOMPLETE', 'its headers are not complete'],
  ['DYNAMIC_INCOMPLETE', 'its dynamic section is not complete'],
  ['STRINGS_NOT_DESCRIBED', 'no section header describes its string table'],
  ['STRINGS_AMBIGUOUS', 'its string table has two sizes or addresses'],
  ['NO_STRINGS', 'it has no dynamic string table'],
  ['STRINGS_INCOMPLETE', 'its string table is not complete'],
  ['STRINGS_SHARED', 'its string table has bytes that something else uses'],
  ['STRINGS_TOO_LARGE', 'its string table is too large'],
  ['SYMBOLS_NOT_DESCRIBED', 'no section header describes its dynamic symbols'],
  ['SECTIONS_INCOMPLETE', 'its sections are not complete'],
  ['STRING_OUTSIDE', 'a string lies outside of its table'],
  ['INTERPRETER_INCOMPLETE', 'its interpreter is not complete'],
  ['INTERPRETER_SHARED', 'its interpreter has bytes that something else uses'],
  ['NO_LOADS', 'it has no loadable segment'],
  ['LOADS_NOT_IN_ORDER', 'its loadable segments are not in order'],
  ['SEGMENTS_INCOMPLETE', 'its segments are not complete'],
  ['IMPOSSIBLE_ALIGNMENT', 'its segments have an impossible alignment'],
  ['NO_ADDRESS_LEFT', 'there is no address left behind its segments'],
  ['NO_ROOM_FOR_HEADER', 'there is no room for one more program header'],
  ['RPATH_TOO_LONG', RPATH_TOO_LONG],
  ['SECTIONS_OVERLAP', 'its sections overlap'],
  ['SECTIONS_TOO_LARGE', 'its sections are too large'],
  ['TOO_MANY_NAMES', 'it has too many names'],
  ['NAME_TOO_LONG', 'a name in it is too long'],
  ['TABLE_TOO_LARGE', 'its string table would be too large'],
  ['INTERPRETER_TOO_LARGE', 'its interpreter is too large'],
];

/** Why the signature of a Mach-O file cannot be made anew: 1 is the first. */
export const SIGNATURE_PROBLEMS: readonly Problem[] = [
  ['SIGNATURE_TOO_LARGE', 'its code signature is too large'],
  ['SIGNATURE_MALFORMED', 'its code signature is malformed'],
  ['SIGNATURE_INCOMPLETE', 'its code signature is not complete'],
  ['NO_DIRECTORY', 'its code signature has no directory'],
  ['DIRECTORY_INCOMPLETE', 'its code directory is not complete'],
  ['UNKNOWN_DIRECTORY', 'its code directory has an unknown form'],
  ['DIRECTORY_MISFIT', 'its code directory does not fit the file'],
];

/** What the kernels for C strings return for a match that cannot be replaced, as assembly/cstring.ts calls it; native/ does the same. */
export const STRING_REFUSALS = { CANNOT_GROW: -1, CANNOT_SHRINK: -2 } as const;

/** What kernels return instead of a number of a problem, as assembly/binary/macho-names.ts and codesign.ts call it. */
export const MACHO_REFUSALS = {
  /** The file has one of the forms below. */
  UNSUPPORTED: -1,
  /** Names have no room in the load commands. */
  NO_ROOM: -2,
  /** The signature is that of a real identity. */
  SIGNED: -3,
} as const;

/** In which forms a Mach-O file is recognised, and refused: 1 is the first. */
export const MACHO_FORMS: readonly string[] = ['32 bit', '32 bit, big-endian', 'big-endian'];

/** What an ELF refusal is about, as assembly/binary/elf-patch.ts calls it; 0 are the names of libraries. */
export const REFUSED_PARTS = { RPATH: 1, INTERPRETER: 2 } as const;

/** The words for a number. */
export function wordsFor(problems: readonly Problem[], number: number): string {
  return problems[number - 1]?.[1] ?? `of reason ${number}`;
}
