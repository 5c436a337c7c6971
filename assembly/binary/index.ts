// The WASM module for patching ELF and Mach-O files. It has a separate instance and memory, which may grow during a call:
// no view of it is kept.

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
