// The relocate stage: entries in, entries out, for a plan that is known. Binaries stream with a seam as long as the longest match;
// text is buffered to a limit, since its size stands in the header before it.
import { TransformStream } from 'node:stream/web';
import { sizeAfterEdits } from '../core/byte-source.js';
import { concatBytes, copyBytes, fromLatin1, toLatin1 } from '../core/bytes.js';
import type { RelocationError } from '../core/errors.js';
import { type ArchiveEntry, wholeEntry } from '../tar/archive-entry.js';
import { displayPath, parseSafePath } from '../tar/safe-path.js';
import { BinaryWindows } from './binary-windows.js';
import type {
  CStringReplacer,
  MachoPatcher,
  PrefixMapping,
  RelocationKernels,
  TextReplacer,
} from './engine.js';
import { relocateLinkTarget } from './links.js';
import type { ListedFile } from './listed-files.js';
import { namingFile } from './naming-file.js';
import { encodeMapping } from './prefix-map.js';
import { originOf } from './relative-rpath.js';
import type { StreamPlan } from './stream-plan.js';
import { choiceOf, explainRefusal, fileOfBytes, rootChoices, rootLengths } from './string-refusal.js';
import { StringRoom } from './string-room.js';
import { TEXT_LIMIT, textTooLarge } from './text-rules.js';

export interface RelocateOptions {
  readonly engine: RelocationKernels;
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
  readonly #binaryMapping: PrefixMapping;
  readonly #cStringMapping: PrefixMapping;

  constructor(plan: StreamPlan, engine: RelocationKernels) {
    this.#plan = plan;
    this.#binaryMapping = encodeMapping(plan.relocation.binaryMapping);
    this.#text = engine.createTextReplacer(encodeMapping(plan.relocation.textMapping));
    this.#macho = engine.createMachoPatcher(this.#binaryMapping, { replaceIdentity: false });
    this.#cStringMapping = encodeMapping(plan.relocation.cStringMapping);
    this.#strings = engine.createCStringReplacer(this.#cStringMapping);
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

  /** Only the one string is known: what follows has not come yet. */
  #explain(error: RelocationError, window: Uint8Array, offset: number): RelocationError {
    const choice = choiceOf(String(error.data.newPrefix), rootChoices(this.#plan.relocation));
    const room = choice && new StringRoom(this.#cStringMapping, rootLengths(choice));
    room?.lookAt(window, Number(error.data.offset));
    const file = fileOfBytes(window);
    return explainRefusal({
      error,
      file,
      fileOffset: offset,
      choice,
      longest: room?.longestRoot,
      isOne: true,
    });
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
    const bytes = result ?? text;
    return wholeEntry({
      entry: { ...item.entry, size: bytes.length },
      bytes,
      isChanged: () => isChanged,
    });
  }

  #relocateBinary(item: ArchiveEntry, { path, name: listedName }: ListedFile): ArchiveEntry {
    if (item.entry.type !== 'file') return item;
    const edits = this.#plan.elfEdits.get(path) ?? [];
    const size = sizeAfterEdits(item.entry.size, edits);
    const name = displayPath(item.entry.path);
    const windows = new BinaryWindows({
      strings: this.#strings,
      mapping: this.#binaryMapping,
      patcher: this.#macho,
      origin: originOf(this.#plan.relocation, listedName),
      explain: (...refused) => this.#explain(...refused),
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
