// The WASM module: every kernel over (pointer, length). Memory is handed out by memory.ts.

export { cstring, failedIndex, failedPlace, failedSuffix } from './cstring';
export {
  elfBegin,
  elfFeed,
  elfInterpreterLength,
  elfInterpreterOffset,
  elfRpathLength,
  elfRpathOffset,
  elfWantLength,
  elfWantOffset,
} from './elf';
export * from './inflate';
export * from './memory';
export { next, scan } from './scan';
export { text, textBegin } from './text';
