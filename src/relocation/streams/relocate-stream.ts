// The relocate stage: entries in, entries out, for a plan that is known. Binaries stream with a seam as long as the longest match;
// text is buffered to a limit, since its size stands in the header before it.
import { TransformStream } from 'node:stream/web';
import { sizeAfterEdits } from '../../core/byte-source.js';
import { concatBytes, copyBytes, fromLatin1, toLatin1 } from '../../core/bytes.js';
import type { RelocationError } from '../../core/errors.js';
import { MemoryFile } from '../../core/memory-file.js';
import { type ArchiveEntry, wholeEntry } from '../../tar/archive-entry.js';
import { displayPath, parseSafePath } from '../../tar/safe-path.js';
import type { RelocationKernels, TextReplacer } from '../engine.js';
import { BinaryRelocator } from '../files/binary-relocator.js';
import { namingFile } from '../files/naming-file.js';
import { type LinkRules, relocateLinkTarget } from '../names/links.js';
import { originOf } from '../names/relative-rpath.js';
import type { ListedFile } from '../plan/listed-files.js';
import { encodeMapping } from '../prefixes/prefix-map.js';
import { choiceOf, explainRefusal, rootChoices, rootLengths } from '../strings/string-refusal.js';
import { TEXT_LIMIT, textTooLarge } from '../text/text-rules.js';
import { BinaryWindows, type BytesAtHand } from './binary-windows.js';
import type { StreamPlan } from './stream-plan.js';

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
  readonly #binaries: BinaryRelocator;
  readonly #linkRules: LinkRules;

  constructor(plan: StreamPlan, engine: RelocationKernels) {
    const { relocation } = plan;
    this.#plan = plan;
    this.#text = engine.createTextReplacer(encodeMapping(relocation.textMapping));
    this.#linkRules = {
      mapping: encodeMapping(relocation.binaryMapping),
      normalize: relocation.normalizeLinkTargets,
    };
    this.#binaries = new BinaryRelocator({
      engine,
      mapping: relocation.binaryMapping,
      cStringMapping: relocation.cStringMapping,
      rewriteInterpreter: relocation.rewriteInterpreter,
      replaceIdentity: false,
    });
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
  #explain(error: RelocationError, { bytes, offset }: BytesAtHand): RelocationError {
    const choice = choiceOf(String(error.data.newPrefix), rootChoices(this.#plan.relocation));
    const room = choice && this.#binaries.room(rootLengths(choice));
    room?.lookAt(bytes, Number(error.data.offset) - offset);
    const atHand = new MemoryFile(bytes);
    const file = {
      size: offset + bytes.length,
      readInto: (target: Uint8Array, at: number) => atHand.readInto(target, at - offset),
    };
    return explainRefusal({ error, file, choice, longest: room?.longestRoot, isOne: true });
  }

  #relocateLink(item: ArchiveEntry): ArchiveEntry {
    const { linkPath } = item.entry;
    if (item.entry.type !== 'symlink' || linkPath === undefined) return item;
    const { target } = relocateLinkTarget(fromLatin1(linkPath), this.#linkRules);
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
      relocator: this.#binaries,
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
