// An instance of the WASM module that patches binaries (assembly/binary/). The kernels ask for the file's bytes by themselves, so that they are
// straight code, and their memory grows in the middle of a call; hence a module of its own: the other one's memory is the decoder's history
// and the scanner's input, and growth would cut their views off.
import { createHash } from 'node:crypto';
import { HASHES } from '../../../binfmt/macho/codesign.js';
import type { ByteSource, Edit } from '../../../core/byte-source.js';
import { EMPTY_BYTES } from '../../../core/bytes.js';
import type { FileOrigin, PrefixMapping } from '../../engine.js';
import { WASM_BASE64 } from './patcher-wasm-binary.js';
import {
  callKernel,
  instantiate,
  type KernelCode,
  moduleOf,
  type WasmGlobal,
  type WasmMemory,
} from './web-assembly.js';

/** What the module exports (assembly/binary/index.ts). */
export interface PatcherExports {
  readonly memory: WasmMemory;
  readonly refusedWhat: WasmGlobal;
  readonly refusedOffset: WasmGlobal;
  readonly refusedAt: WasmGlobal;
  readonly refusedLength: WasmGlobal;
  readonly refusedNewAt: WasmGlobal;
  readonly refusedNewLength: WasmGlobal;
  readonly refusedForm: WasmGlobal;
  readonly refusedSlice: WasmGlobal;
  readonly missingRoom: WasmGlobal;
  readonly signatureSlice: WasmGlobal;
  readonly identifierAt: WasmGlobal;
  readonly identifierLength: WasmGlobal;
  seedHashes(seed: number): void;
  mappingRoom(size: number): number;
  useMapping(pointer: number, pairs: number): void;
  patchElf(
    size: number,
    rewriteInterpreter: number,
    oldFolder: number,
    newFolder: number,
    root: number,
  ): number;
  patchMacho(size: number, oldFolder: number, newFolder: number, root: number): number;
  checkSignable(size: number, replaceIdentity: number): number;
  resign(size: number, replaceIdentity: number): number;
}

/** What one call works on. */
interface PatchRequest {
  readonly source: ByteSource;
  readonly mapping: PrefixMapping;
  readonly origin?: FileOrigin | undefined;
}

/** ELF and Mach-O. */
export const PATCHERS: KernelCode = { name: 'patchers', base64: WASM_BASE64 };

/** What a large file has made the memory grow to is not kept for the small ones that follow. */
const MOST_MEMORY_KEPT = 16 << 20;

const NO_MAPPING: PrefixMapping = [];

/** Keeps one instance for all patchers of an engine, and a small one only. */
export class PatcherKernels {
  #exports: PatcherExports | undefined;
  #bytes: Uint8Array = EMPTY_BYTES;
  /** The mapping that is in memory: only one is. */
  #mapping: PrefixMapping | undefined;
  #request: PatchRequest | undefined;
  #edits: Edit[] = [];

  /**
   * Calls a kernel, which hands over its edits one by one; `refuse` makes an error of what it returns instead of 0.
   * @throws RelocationError `engine-unavailable`, `engine-failed`, and what `refuse` makes
   */
  run(
    request: PatchRequest,
    kernel: (exports: PatcherExports) => number,
    refuse: (status: number, kernels: PatcherKernels) => Error,
  ): readonly Edit[] {
    if (this.#request !== undefined)
      throw new TypeError('A source must not patch another file while it is read');
    const exports = this.#start();
    this.#useMapping(exports, request.mapping);
    this.#request = request;
    try {
      const status = callKernel(() => kernel(exports));
      if (status !== 0) throw refuse(status, this);
      return this.#edits;
    } finally {
      this.#request = undefined;
      this.#edits = [];
      if (this.bytes.length > MOST_MEMORY_KEPT) this.#stop();
    }
  }

  get exports(): PatcherExports {
    return this.#start();
  }

  /** The whole memory; made anew after it has grown, so never keep it. */
  get bytes(): Uint8Array {
    const buffer = this.#exports?.memory.buffer;
    if (buffer !== undefined && this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /** A copy of bytes that a kernel has left in memory. */
  copy(at: WasmGlobal, length: WasmGlobal): Uint8Array {
    return this.bytes.slice(at.value, at.value + length.value);
  }

  #start(): PatcherExports {
    if (this.#exports !== undefined) return this.#exports;
    const host = {
      hostRead: (offset: number, length: number, pointer: number) => this.#read(offset, length, pointer),
      hostOrigin: (pointer: number) => this.#writeOrigin(pointer),
      hostHash: (kind: number, offset: number, length: number, pointer: number) =>
        this.#hash(kind, { offset, length }, pointer),
      hostEdit: (offset: number, pointer: number, length: number) => this.#addEdit(offset, pointer, length),
    };
    const exports = instantiate(moduleOf(PATCHERS), { host }) as PatcherExports;
    exports.seedHashes(Math.floor(Math.random() * 2 ** 32));
    this.#exports = exports;
    return exports;
  }

  #stop(): void {
    this.#exports = undefined;
    this.#mapping = undefined;
    this.#bytes = EMPTY_BYTES;
  }

  /** Pairs as `useMapping` in assembly/binary/mapping.ts takes them. */
  #useMapping(exports: PatcherExports, mapping: PrefixMapping = NO_MAPPING): void {
    if (this.#mapping === mapping) return;
    // Where this fails, no mapping is left in memory.
    this.#mapping = undefined;
    const sizes = mapping.map(([from, to]) => (8 + from.length + to.length + 3) & ~3);
    const pointer = callKernel(() => exports.mappingRoom(sizes.reduce((sum, size) => sum + size, 0)));
    const { bytes } = this;
    const view = new DataView(bytes.buffer);
    let at = pointer;
    for (const [i, [from, to]] of mapping.entries()) {
      view.setUint32(at, from.length, true);
      view.setUint32(at + 4, to.length, true);
      bytes.set(from, at + 8);
      bytes.set(to, at + 8 + from.length);
      at += sizes[i] ?? 0;
    }
    callKernel(() => exports.useMapping(pointer, mapping.length));
    this.#mapping = mapping;
  }

  #read(offset: number, length: number, pointer: number): number {
    const read = this.#request?.source.read(offset, length) ?? EMPTY_BYTES;
    const part = read.length > length ? read.subarray(0, length) : read;
    this.bytes.set(part, pointer);
    return part.length;
  }

  #writeOrigin(pointer: number): void {
    const origin = this.#request?.origin;
    if (origin === undefined) return;
    this.bytes.set(origin.old, pointer);
    this.bytes.set(origin.new, pointer + origin.old.length);
    this.bytes.set(origin.root, pointer + origin.old.length + origin.new.length);
  }

  #hash(kind: number, part: { readonly offset: number; readonly length: number }, pointer: number): void {
    const { name, size } = HASHES.get(kind) ?? { name: '', size: 0 };
    const bytes = this.#request?.source.read(part.offset, part.length) ?? EMPTY_BYTES;
    this.bytes.set(createHash(name).update(bytes).digest().subarray(0, size), pointer);
  }

  #addEdit(offset: number, pointer: number, length: number): void {
    const bytes = pointer === 0 ? new Uint8Array(length) : this.bytes.slice(pointer, pointer + length);
    this.#edits.push({ offset, bytes });
  }
}
