// The part of the WebAssembly JavaScript API that the kernels use. Node has it except under `--jitless`; the type
// declarations of Node do not name it.

/** A compiled module. */
export interface WasmModule {
  readonly [kind: symbol]: unknown;
}

export interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
  /** What a trap throws. */
  readonly RuntimeError: new (
    message: string,
  ) => Error;
}

/** A memory of the module; `buffer` is another object after the memory has grown. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** An exported variable. */
export interface WasmGlobal {
  readonly value: number;
}

/** The API, or undefined where this runtime has none. */
export function webAssemblyApi(): WebAssemblyApi | undefined {
  return (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly;
}
