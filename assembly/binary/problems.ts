// Why a file is refused. src/relocation/engines/binary-problems.ts has the list, and the words; a test compares the numbers.

export const NO_PROBLEM: i32 = 0;

export const UNKNOWN_SEGMENT_SIZE: i32 = 1;
export const UNKNOWN_SECTION_SIZE: i32 = 2;
export const TOO_MANY_SEGMENTS: i32 = 3;
export const HEADERS_INCOMPLETE: i32 = 4;
export const DYNAMIC_INCOMPLETE: i32 = 5;
export const STRINGS_NOT_DESCRIBED: i32 = 6;
export const STRINGS_AMBIGUOUS: i32 = 7;
export const NO_STRINGS: i32 = 8;
export const STRINGS_INCOMPLETE: i32 = 9;
export const STRINGS_SHARED: i32 = 10;
export const STRINGS_TOO_LARGE: i32 = 11;
export const SYMBOLS_NOT_DESCRIBED: i32 = 12;
export const SECTIONS_INCOMPLETE: i32 = 13;
export const STRING_OUTSIDE: i32 = 14;
export const INTERPRETER_INCOMPLETE: i32 = 15;
export const INTERPRETER_SHARED: i32 = 16;
export const NO_LOADS: i32 = 17;
export const LOADS_NOT_IN_ORDER: i32 = 18;
export const SEGMENTS_INCOMPLETE: i32 = 19;
export const IMPOSSIBLE_ALIGNMENT: i32 = 20;
export const NO_ADDRESS_LEFT: i32 = 21;
export const NO_ROOM_FOR_HEADER: i32 = 22;
export const RPATH_TOO_LONG: i32 = 23;
export const SECTIONS_OVERLAP: i32 = 24;
export const SECTIONS_TOO_LARGE: i32 = 25;
export const TOO_MANY_NAMES: i32 = 26;
export const NAME_TOO_LONG: i32 = 27;
export const TABLE_TOO_LARGE: i32 = 28;
export const INTERPRETER_TOO_LARGE: i32 = 29;

export const SIGNATURE_TOO_LARGE: i32 = 1;
export const SIGNATURE_MALFORMED: i32 = 2;
export const SIGNATURE_INCOMPLETE: i32 = 3;
export const NO_DIRECTORY: i32 = 4;
export const DIRECTORY_INCOMPLETE: i32 = 5;
export const UNKNOWN_DIRECTORY: i32 = 6;
export const DIRECTORY_MISFIT: i32 = 7;
