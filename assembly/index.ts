// The WASM module of the kernels that take (pointer, length); those for whole binaries are in binary/. memory.ts allocates memory.

export { cstring, failedIndex, failedPlace, failedSuffix } from './cstring';
export * from './inflate';
export * from './memory';
export { next, scan } from './scan';
export { text, textBegin } from './text';
