// The WASM module: every kernel over (pointer, length). Memory is handed out by memory.ts.
export * from './memory';
