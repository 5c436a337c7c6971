// The WASM module of the kernels over (pointer, length); those for whole binaries are in binary/. Memory is handed out by memory.ts.

export { cstring, failedIndex, failedPlace, failedSuffix } from './cstring';
export * from './inflate';
export * from './memory';
export { next, scan } from './scan';
export { text, textBegin } from './text';
