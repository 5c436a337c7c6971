// The relocate stage: entries in, entries out, for a plan that is known. Binaries stream with a seam as long as the longest match;
// text is buffered to a limit, since its size stands in the header before it.
import { TransformStream } from 'node:stream/web';
import { detectFileKind } from '../binfmt/detect.js';
import { type Edit, sizeAfterEdits } from '../core/byte-source.js';
import { concatBytes, copyBytes, fromLatin1, toLatin1 } from '../core/bytes.js';
import { RelocationError } from '../core/errors.js';
import type { ArchiveEntry } from '../tar/archive-entry.js';
import { displayPath, parseSafePath } from '../tar/safe-path.js';
import type { CStringReplacer, FileOrigin, MachoPatcher, RelocationEngine, TextReplacer } from './engine.js';
import { relocateLinkTarget } from './links.js';
import type { ListedFile } from './listed-files.js';
import { relocateMachoBytes } from './macho-bytes.js';
import { namingFile } from './naming-file.js';
import { encodeMapping } from './prefix-map.js';
import { originOf } from './relative-rpath.js';
import type { StreamPlan } from './stream-plan.js';
import { TEXT_LIMIT, textTooLarge } from './text-rules.js';

export interface RelocateOptions {
  readonly engine: RelocationEngine;
}

/**
 * Makes the stream that relocates the entries of one archive.
 * @param plan what `readPlan` found in the same archive
 * @throws RelocationError through the stream: `cannot-grow-string`, `cannot-shrink-string`, `text-too-large`
 */
export function relocate(
  plan: StreamPlan,
  { engine }: RelocateOptions,
): TransformStream<ArchiveEntry, ArchiveEntry> {
  const stage = new RelocateStage(plan, engine);
  return new TransformStream(
    { transform: async (entry, controller) => controller.enqueue(await stage.relocate(entry)) },
    { highWaterMark: 1 },
    { highWaterMark: 0 },
  );
}

class RelocateStage {
  readonly #plan: StreamPlan;
  readonly #text: TextReplacer;
  readonly #strings: CStringReplacer;
  readonly #macho: MachoPatcher;
  readonly #binaryMapping: ReturnType<typeof encodeMapping>;

  constructor(plan: StreamPlan, engine: RelocationEngine) {
    this.#plan = plan;
    this.#binaryMapping = encodeMapping(plan.relocation.binaryMapping);
    this.#text = engine.createTextReplacer(encodeMapping(plan.relocation.textMapping));
    this.#macho = engine.createMachoPatcher(this.#binaryMapping, { replaceIdentity: false });
    this.#strings = engine.createCStringReplacer(this.#binaryMapping);
  }

  async relocate(item: ArchiveEntry): Promise<ArchiveEntry> {
    const path = parseSafePath(item.entry.path);
    if (this.#plan.links.has(path)) return this.#relocateLink(item);
    const isText = this.#plan.texts.has(path);
    // A file in both lists is a binary first.
    const listed = this.#plan.binaries.get(path);
    const binary = listed === undefined ? item : this.#relocateBinary(item, listed);
    return isText && item.entry.type === 'file' ? this.#relocateText(binary) : binary;
  }

  #relocateLink(item: ArchiveEntry): ArchiveEntry {
    const { linkPath } = item.entry;
    if (item.entry.type !== 'symlink' || linkPath === undefined) return item;
    const { target } = relocateLinkTarget(fromLatin1(linkPath), this.#binaryMapping);
    return { ...item, entry: { ...item.entry, linkPath: toLatin1(target) } };
  }

  async #relocateText(item: ArchiveEntry): Promise<ArchiveEntry> {
    const name = displayPath(item.entry.path);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of item.body) {
      size += chunk.length;
      if (size > TEXT_LIMIT) throw textTooLarge(name, size, TEXT_LIMIT);
      chunks.push(copyBytes(chunk));
    }
    const text = concatBytes(chunks);
    const result = namingFile(name, () => this.#text.replace(text)?.slice());
    const isChanged = result !== undefined || item.isChanged?.() === true;
    return {
      entry: { ...item.entry, size: (result ?? text).length },
      body: streamOf(result ?? text),
      isChanged: () => isChanged,
    };
  }

  #relocateBinary(item: ArchiveEntry, { path, name: listedName }: ListedFile): ArchiveEntry {
    if (item.entry.type !== 'file') return item;
    const edits = this.#plan.elfEdits.get(path) ?? [];
    const size = sizeAfterEdits(item.entry.size, edits);
    const name = displayPath(item.entry.path);
    const windows = new BinaryWindows({
      strings: this.#strings,
      patcher: this.#macho,
      origin: originOf(this.#plan.relocation, listedName),
      edits,
      name,
      size,
    });
    const stream = new TransformStream<Uint8Array, Uint8Array>(
      {
        transform: (chunk, controller) => windows.push(chunk, (bytes) => controller.enqueue(bytes)),
        flush: (controller) => windows.finish((bytes) => controller.enqueue(bytes)),
      },
      { highWaterMark: 1 },
      { highWaterMark: 0 },
    );
    return {
      entry: { ...item.entry, size },
      body: item.body.pipeThrough(stream),
      isChanged: () => windows.isChanged,
    };
  }
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

type Emit = (bytes: Uint8Array) => void;

const GROWTH_CHUNK = 1 << 20;

/** Like that of texts, but no library is a text. */
const MACHO_LIMIT = 256 << 20;

interface BinaryWindowsOptions {
  readonly strings: CStringReplacer;
  readonly patcher: MachoPatcher;
  readonly origin: FileOrigin | undefined;
  readonly edits: readonly Edit[];
  readonly name: string;
  readonly size: number;
}

/** A binary in windows: rpath edits first, then C strings; the last bytes of a window wait for the next. */
class BinaryWindows {
  readonly #strings: CStringReplacer;
  readonly #edits: readonly Edit[];
  readonly #name: string;
  /** After growth. */
  readonly #size: number;
  readonly #patcher: MachoPatcher;
  readonly #origin: FileOrigin | undefined;
  /** A Mach-O file, held as a whole: its signature, at the end, changes what stands before it. */
  #macho: Uint8Array[] | undefined;
  #held = 0;
  #window: Uint8Array = new Uint8Array(0);
  /** Offset of the window in the file. */
  #offset = 0;
  isChanged = false;

  constructor({ strings, patcher, origin, edits, name, size }: BinaryWindowsOptions) {
    this.#strings = strings;
    this.#patcher = patcher;
    this.#origin = origin;
    this.#edits = edits;
    this.#name = name;
    this.#size = size;
  }

  push(chunk: Uint8Array, emit: Emit): void {
    if (this.#offset + this.#window.length === 0 && detectFileKind(chunk) === 'macho') this.#macho ??= [];
    if (this.#macho !== undefined) {
      this.#hold(this.#macho, chunk);
      return;
    }
    const at = this.#offset + this.#window.length;
    const bytes = concatBytes([this.#window, chunk]);
    this.#window = bytes;
    this.#applyEdits(bytes.subarray(at - this.#offset), at);
    if (bytes.length > this.#strings.seam) this.#replace(false, emit);
  }

  finish(emit: Emit): void {
    if (this.#macho !== undefined) {
      emit(this.#relocateMacho(concatBytes(this.#macho)));
      return;
    }
    if (this.#window.length > 0) this.#replace(true, emit);
    // What the file grows by holds new paths only, which may contain the old ones.
    while (this.#offset < this.#size) {
      const bytes = new Uint8Array(Math.min(GROWTH_CHUNK, this.#size - this.#offset));
      this.#applyEdits(bytes, this.#offset);
      emit(bytes);
      this.#offset += bytes.length;
    }
  }

  #hold(chunks: Uint8Array[], chunk: Uint8Array): void {
    this.#held += chunk.length;
    if (this.#held > MACHO_LIMIT) {
      throw new RelocationError(
        'macho-unsupported',
        `Cannot relocate "${this.#name}" in a stream: it is too large`,
        {
          hint: 'Install it through the core',
          data: { path: this.#name, limit: MACHO_LIMIT },
        },
      );
    }
    chunks.push(copyBytes(chunk));
  }

  #relocateMacho(bytes: Uint8Array): Uint8Array {
    const relocation = { patcher: this.#patcher, strings: this.#strings, origin: this.#origin };
    this.isChanged = namingFile(this.#name, () => relocateMachoBytes(bytes, relocation));
    return bytes;
  }

  #replace(isLast: boolean, emit: Emit): void {
    const window = this.#window;
    const { next, replaced } = namingFile(
      this.#name,
      () => this.#strings.replace(window, 0, isLast),
      this.#offset,
    );
    if (replaced > 0) this.isChanged = true;
    const end = isLast ? window.length : next;
    if (end > 0) emit(window.subarray(0, end));
    this.#window = window.subarray(end);
    this.#offset += end;
  }

  /** Writes what the edits say of the bytes that stand at `at` in the file. */
  #applyEdits(bytes: Uint8Array, at: number): void {
    for (const edit of this.#edits) {
      const from = Math.max(edit.offset, at);
      const to = Math.min(edit.offset + edit.bytes.length, at + bytes.length);
      if (from >= to) continue;
      bytes.set(edit.bytes.subarray(from - edit.offset, to - edit.offset), from - at);
      this.isChanged = true;
    }
  }
}
