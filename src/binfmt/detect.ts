// Detects the kind of a file from its first bytes, by magic number (ELF gABI `e_ident`, `mach-o/loader.h`, `mach-o/fat.h`).

/** How many bytes `detectFileKind` looks at. */
export const DETECT_BYTES = 8;

export type FileKind = 'elf' | 'macho' | 'shebang' | 'other';

const ELF_MAGIC = 0x7f454c46;
/** `MH_MAGIC`, `MH_MAGIC_64`, and both in the other byte order. */
const MACHO_MAGICS: ReadonlySet<number> = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe]);
/** `FAT_MAGIC`, `FAT_MAGIC_64`, always big-endian; the first is also the magic of Java class files. */
const FAT_MAGICS: ReadonlySet<number> = new Set([0xcafebabe, 0xcafebabf]);
/** From this value on, the word after the magic is the version of a Java class file, not a count of slices. */
const FIRST_JAVA_VERSION = 10;
const SHEBANG = 0x2321;

/** The kind of the file that begins with these bytes (eight are enough). */
export function detectFileKind(firstBytes: Uint8Array): FileKind {
  const view = new DataView(firstBytes.buffer, firstBytes.byteOffset, firstBytes.byteLength);
  if (view.byteLength >= 2 && view.getUint16(0) === SHEBANG) return 'shebang';
  if (view.byteLength < 4) return 'other';
  const magic = view.getUint32(0);
  if (magic === ELF_MAGIC) return 'elf';
  if (MACHO_MAGICS.has(magic)) return 'macho';
  if (!FAT_MAGICS.has(magic) || view.byteLength < DETECT_BYTES) return 'other';
  return view.getUint32(4) < FIRST_JAVA_VERSION ? 'macho' : 'other';
}
