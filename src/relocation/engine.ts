// What an engine is: decoders (stream/inflater.ts) and the kernels below. Every engine gives the same bytes; the `js` engine is the one to read.
// Bytes go in as views; a kernel that edits does so in place and keeps the length, unless it says otherwise.

import type { ByteSource, Edit } from '../core/byte-source.js';
import type { Decoders, MemoryPlace } from '../stream/inflate/inflater.js';

export type { ByteSource, Edit } from '../core/byte-source.js';

/** An ordered list of replacements: at one place the first mapping that matches wins, not the longest. */
export type PrefixMapping = readonly (readonly [from: Uint8Array, to: Uint8Array])[];

export interface PrefixScanner {
  /** Places at which a prefix begins: `[offset, prefixIndex, …]`, ascending; the first listed prefix at each place. */
  scan(bytes: Uint8Array): Uint32Array;
}

export interface TextReplacer {
  /**
   * The text with every match replaced, or undefined where nothing matches. Rule: FORMATS "text".
   * At most 64 MiB; cut larger texts after newlines (`replaceTextChunks`).
   * @throws RelocationError `text-too-large`
   */
  replace(text: Uint8Array): Uint8Array | undefined;
}

/** Where the search of a C string replacer begins in bytes, and whether the bytes are the last of their file. */
export interface CStringWindow {
  readonly start: number;
  readonly isLast: boolean;
}

export interface CStringReplacement {
  /** Where the next window must start searching; never before a match's consumed window ends. */
  readonly next: number;
  /** How many strings were changed. */
  readonly replaced: number;
}

export interface CStringReplacer {
  /** A window must overlap the next one by this many bytes. */
  readonly seam: number;
  /**
   * Replaces every C string match that begins in `[start, bytes.length - seam)` (or up to the end when `isLast`), in place.
   * After an error the bytes before `data.offset` may be changed already.
   * @throws RelocationError `cannot-grow-string`, `cannot-shrink-string`; `data.offset` is relative to `bytes`
   */
  replace(bytes: Uint8Array, window: CStringWindow): CStringReplacement;
}

export interface ElfPatcher {
  /**
   * The edits that give an ELF file its new rpaths (and, from layout 2 on, its new interpreter). Where they do not fit, the last
   * edit lies behind the file's end: C strings must not be replaced in it.
   * Empty for what is no ELF file, cannot be parsed, or needs no change.
   * @param origin where rpaths that are relative to the file are resolved, and all made relative; without it such rpaths stay
   * @throws RelocationError `cannot-grow-rpath` for a file that would have to grow, and cannot
   */
  patch(source: ByteSource, origin?: FileOrigin): readonly Edit[];
}

/** The directory of a file before and after it moves: what `$ORIGIN` and `@loader_path` stand for. */
export interface FileOrigin {
  readonly old: Uint8Array;
  readonly new: Uint8Array;
  /** New paths that begin so become relative. */
  readonly root: Uint8Array;
}

export interface MachoPatcher {
  /**
   * The edits for the load commands of a Mach-O file; empty for what is none, or is malformed. The file keeps its size.
   * @param origin as for `ElfPatcher.patch`
   * @throws RelocationError `macho-unsupported` for 32 bit and big-endian files, `macho-no-room`
   */
  patch(source: ByteSource, origin?: FileOrigin): readonly Edit[];
  /**
   * Refuses a file whose signature would stand in the way of a change.
   * @throws RelocationError `macho-signed` for a signature of a real identity that must not be replaced, `macho-signature`
   */
  checkSignable(source: ByteSource): void;
  /**
   * The edits that make the signatures of a changed file fit again: those of slices whose bytes are others than were signed.
   * @throws RelocationError as `checkSignable`
   */
  resign(source: ByteSource): readonly Edit[];
}

export interface SignOptions {
  /** Whether a signature of a real identity may become one of nobody. */
  readonly replaceIdentity: boolean;
}

export interface ElfOptions {
  /** Whether the interpreter is rewritten too. */
  readonly rewriteInterpreter: boolean;
}

/** What relocates: nobody who only decompresses needs it. */
export interface RelocationKernels {
  createScanner(prefixes: readonly Uint8Array[]): PrefixScanner;
  createTextReplacer(mapping: PrefixMapping): TextReplacer;
  createCStringReplacer(mapping: PrefixMapping): CStringReplacer;
  createElfPatcher(mapping: PrefixMapping, options: ElfOptions): ElfPatcher;
  createMachoPatcher(mapping: PrefixMapping, options: SignOptions): MachoPatcher;
  /** The same kernels for bytes that another thread's decoder shares, so that they can work on them without a copy. */
  inMemory?(place: MemoryPlace): RelocationKernels;
}

/** Both halves, from one implementation: the scanner takes the output of the decoder where it lies. */
export interface RelocationEngine extends Decoders, RelocationKernels {
  readonly name: 'js' | 'wasm' | 'native';
  /** Compiled code for the engines of other threads (`adoptModules`), where there is such a thing. */
  readonly modules?: ReadonlyMap<string, object> | undefined;
}
