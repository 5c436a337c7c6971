// The WASM module for patching ELF and Mach-O files. It has an instance and a memory of its own, which may grow in the middle of a call:
// nobody holds a view of it.

export {
  checkSignable,
  identifierAt,
  identifierLength,
  resign,
  signatureSlice,
} from './codesign';
export {
  patchElf,
  refusedAt,
  refusedLength,
  refusedNewAt,
  refusedNewLength,
  refusedOffset,
  refusedWhat,
} from './elf-patch';
export { seedHashes } from './hash-set';
export { missingRoom, patchMacho, refusedForm, refusedSlice } from './macho-names';
export { mappingRoom, useMapping } from './mapping';
