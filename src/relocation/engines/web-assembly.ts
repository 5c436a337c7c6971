// The part of the WebAssembly JavaScript API that the kernels use. Node has it except under `--jitless`; the type
// declarations of Node do not name it.

/** A compiled module. */
export interface WasmModule {
  readonly [kind: symbol]: unknown;
}

export interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: boolean;
  }) => WasmMemory;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
  /** What a trap throws. */
  readonly RuntimeError: new (
    message: string,
  ) => Error;
}

/** A shared memory; `buffer` is another object after the memory has grown, with the same bytes at the same places. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** An exported variable. */
export interface WasmGlobal {
  readonly value: number;
}

/** The API, or undefined where this runtime has none. */
export function webAssemblyApi(): WebAssemblyApi | undefined {
  return (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly;
}
