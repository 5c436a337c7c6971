// The part of the WebAssembly JavaScript API that the kernels use, with errors that have a code. Node has it except under `--jitless`; the
// type declarations of Node do not name it.
import { RelocationError } from '../../../core/errors.js';

/** A compiled module. */
export interface WasmModule {
  readonly [kind: symbol]: unknown;
}

/** The bytes of a module, as they are embedded. */
export interface KernelCode {
  readonly name: string;
  readonly base64: string;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (limits: MemoryPages & { readonly shared: true }) => SharedMemory;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
  /** What a trap throws. */
  readonly RuntimeError: new (
    message: string,
  ) => Error;
}

/** A memory of a module; `buffer` is another object after the memory has grown. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** One that threads can share. */
export interface SharedMemory extends WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Pages of 64 KiB. */
interface MemoryPages {
  readonly initial: number;
  readonly maximum: number;
}

/** An exported variable. */
export interface WasmGlobal {
  readonly value: number;
}

/** The API, or undefined where this runtime has none. */
function webAssemblyApi(): WebAssemblyApi | undefined {
  return (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly;
}

/** By name: what this thread has compiled, or was given. */
const modules = new Map<string, WasmModule>();

/**
 * A module of kernels, compiled once.
 * @throws RelocationError `engine-unavailable`
 */
export function moduleOf({ name, base64 }: KernelCode): WasmModule {
  const known = modules.get(name);
  if (known !== undefined) return known;
  const api = webAssemblyApi();
  if (api === undefined) throw unavailable('this Node has no WebAssembly', undefined);
  try {
    const module = new api.Module(Buffer.from(base64, 'base64'));
    modules.set(name, module);
    return module;
  } catch (cause) {
    throw unavailable('this Node cannot compile it', cause);
  }
}

/** Takes modules that another thread has compiled: with them comes the machine code that it has made of them since. */
export function adoptModules(given: ReadonlyMap<string, object>): void {
  for (const [name, module] of given) modules.set(name, module as WasmModule);
}

/**
 * Makes an instance of a module; returns what it exports.
 * @throws RelocationError `engine-unavailable`
 */
export function instantiate(module: WasmModule, imports: object): unknown {
  const api = webAssemblyApi();
  if (api === undefined) throw unavailable('this Node has no WebAssembly', undefined);
  try {
    return new api.Instance(module, imports).exports;
  } catch (cause) {
    throw unavailable('an instance cannot be made', cause);
  }
}

/** @throws RelocationError `engine-unavailable` */
export function makeSharedMemory(pages: MemoryPages): SharedMemory {
  const api = webAssemblyApi();
  if (api === undefined) throw unavailable('this Node has no WebAssembly', undefined);
  try {
    return new api.Memory({ ...pages, shared: true });
  } catch (cause) {
    throw unavailable('memory is short', cause);
  }
}

function unavailable(reason: string, cause: unknown): RelocationError {
  return new RelocationError('engine-unavailable', `Cannot start the WASM engine: ${reason}`, {
    hint: 'Use the js engine: --engine js',
    cause,
    data: { engine: 'wasm', reason },
  });
}

/**
 * Calls a kernel.
 * @throws RelocationError `engine-failed` when it traps
 */
export function callKernel<Result>(kernel: () => Result): Result {
  try {
    return kernel();
  } catch (cause) {
    const api = webAssemblyApi();
    if (api === undefined || !(cause instanceof api.RuntimeError)) throw cause;
    throw new RelocationError('engine-failed', `Cannot relocate with the WASM engine: ${cause.message}`, {
      hint: 'Use the js engine (--engine js), and report this',
      cause,
    });
  }
}
