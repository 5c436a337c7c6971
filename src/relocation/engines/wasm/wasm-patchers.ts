// The WASM patchers for an engine that is none itself. Nothing is compiled before the first binary comes, or a worker wants the module;
// where WASM cannot run, the TypeScript patchers give the same edits.
import { RelocationError } from '../../../core/errors.js';
import type {
  ElfOptions,
  ElfPatcher,
  MachoPatcher,
  PrefixMapping,
  RelocationKernels,
  SignOptions,
} from '../../engine.js';
import { JsEngine } from '../js.js';
import { makeWasmElfPatcher, makeWasmMachoPatcher } from './wasm-binary-patcher.js';
import { PATCHERS, PatcherKernels } from './wasm-patcher-kernels.js';
import { moduleOf, type WasmModule } from './web-assembly.js';

type Patchers = Pick<RelocationKernels, 'createElfPatcher' | 'createMachoPatcher'>;

/** Patchers that begin when they are used. */
export class WasmPatchers implements Patchers {
  #started: Patchers | undefined;

  /** The compiled module, for the engines of other threads; undefined where WASM cannot run. */
  get modules(): ReadonlyMap<string, WasmModule> | undefined {
    const module = compiled();
    return module && new Map([[PATCHERS.name, module]]);
  }

  createElfPatcher(mapping: PrefixMapping, options: ElfOptions): ElfPatcher {
    const patcher = once(() => this.#start().createElfPatcher(mapping, options));
    return { patch: (source, origin) => patcher().patch(source, origin) };
  }

  createMachoPatcher(mapping: PrefixMapping, options: SignOptions): MachoPatcher {
    const patcher = once(() => this.#start().createMachoPatcher(mapping, options));
    return {
      patch: (source, origin) => patcher().patch(source, origin),
      checkSignable: (source) => patcher().checkSignable(source),
      resign: (source) => patcher().resign(source),
    };
  }

  #start(): Patchers {
    this.#started ??= compiled() === undefined ? new JsEngine() : wasmPatchers(new PatcherKernels());
    return this.#started;
  }
}

function compiled(): WasmModule | undefined {
  try {
    return moduleOf(PATCHERS);
  } catch (error) {
    if (error instanceof RelocationError && error.code === 'engine-unavailable') return undefined;
    throw error;
  }
}

function wasmPatchers(kernels: PatcherKernels): Patchers {
  return {
    createElfPatcher: (mapping, options) => makeWasmElfPatcher(kernels, mapping, options),
    createMachoPatcher: (mapping, options) => makeWasmMachoPatcher(kernels, mapping, options),
  };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
