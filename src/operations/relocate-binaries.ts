// Binaries of a tree, one at a time: rpaths and other names, then the C strings of the result.
import { sizeAfterEdits } from '../core/byte-source.js';
import { RelocationError } from '../core/errors.js';
import { coverEdits } from '../relocation/covered-edits.js';
import type {
  CStringReplacer,
  ElfPatcher,
  FileOrigin,
  MachoPatcher,
  PrefixMapping,
  RelocationEngine,
} from '../relocation/engine.js';
import { namingFile } from '../relocation/naming-file.js';
import { encodeMapping, type PathMapping } from '../relocation/prefix-map.js';
import { StringRoom } from '../relocation/string-room.js';
import type { StagedFile } from '../store/staging/staged-file.js';
import { EditedFile } from './edited-file.js';
import { hasFewHits, replaceAtHits } from './relocate-hits.js';
import { isMacho, lookAtMacho, type MachoRequest, relocateMacho } from './relocate-macho.js';
import { replaceCStrings, type StringFile, stringWindow } from './relocate-strings.js';

export interface BinaryRelocatorOptions {
  readonly engine: RelocationEngine;
  /** For rpaths, interpreters and names. */
  readonly mapping: PathMapping;
  readonly cStringMapping: PathMapping;
  readonly rewriteInterpreter: boolean;
  /** Whether a signature of a real identity may become one of nobody. */
  readonly replaceIdentity: boolean;
}

export interface BinaryFile {
  /** For messages. */
  readonly name: string;
  readonly file: StagedFile;
  /** Where rpaths are relative to the file. */
  readonly origin?: FileOrigin | undefined;
  /** Where an old prefix may begin, if that is known. */
  readonly hits?: readonly number[] | undefined;
}

/** How much of a file was changed, or would be. */
export interface BinaryCounts {
  readonly edits: number;
  readonly strings: number;
}

export class BinaryRelocator {
  readonly #mapping: PrefixMapping;
  readonly #cStringMapping: PrefixMapping;
  readonly #elf: ElfPatcher;
  readonly #macho: MachoPatcher;
  readonly #strings: CStringReplacer;
  readonly #window: Uint8Array;

  constructor({
    engine,
    mapping,
    cStringMapping,
    rewriteInterpreter,
    replaceIdentity,
  }: BinaryRelocatorOptions) {
    this.#mapping = encodeMapping(mapping);
    this.#cStringMapping = encodeMapping(cStringMapping);
    this.#elf = engine.createElfPatcher(this.#mapping, { rewriteInterpreter });
    this.#macho = engine.createMachoPatcher(this.#mapping, { replaceIdentity });
    this.#strings = engine.createCStringReplacer(this.#cStringMapping);
    this.#window = stringWindow(this.#strings);
  }

  /**
   * Changes a file; one that ends in an error may be half changed.
   * @throws RelocationError `cannot-grow-string`, `cannot-shrink-string`, `cannot-grow-rpath`, `macho-unsupported`, `macho-no-room`,
   * `macho-signed`, `macho-signature`
   */
  relocate(binary: BinaryFile): BinaryCounts {
    const { name, file, hits, origin } = binary;
    if (isMacho(file)) return relocateMacho(this.#machoRequest(binary));
    const edits = namingFile(name, () => this.#elf.patch(file, origin));
    const covered = coverEdits(edits, this.#mapping);
    for (const edit of covered) file.write(edit.offset, edit.bytes);
    const request = { name, file, replacer: this.#strings, window: this.#window };
    const strings =
      hits !== undefined && hasFewHits(hits, file.size)
        ? replaceAtHits({ ...request, hits, edits })
        : replaceCStrings(request);
    if (covered !== edits) for (const edit of edits) file.write(edit.offset, edit.bytes);
    return { edits: edits.length, strings };
  }

  /**
   * Says what would change in a file; undefined for nothing.
   * @throws RelocationError as `relocate`
   */
  look(binary: BinaryFile): { readonly grownBy: number } | undefined {
    const { name, file } = binary;
    if (isMacho(file)) {
      const counts = lookAtMacho(this.#machoRequest(binary));
      return counts.edits + counts.strings > 0 ? { grownBy: 0 } : undefined;
    }
    const edits = namingFile(name, () => this.#elf.patch(file, binary.origin));
    const view = new EditedFile(file, coverEdits(edits, this.#mapping));
    const strings = replaceCStrings({ name, file: view, replacer: this.#strings, window: this.#window });
    if (strings === 0 && new EditedFile(file, edits).isSame()) return undefined;
    return { grownBy: sizeAfterEdits(file.size, edits) - file.size };
  }

  /** Counts the strings of a file in, as it would be without what was refused. */
  survey({ name, file, origin }: BinaryFile, room: StringRoom): void {
    const patcher = isMacho(file) ? this.#macho : this.#elf;
    try {
      const view = new EditedFile(file, coverEdits(patcher.patch(file, origin), this.#mapping));
      replaceCStrings({ name, file: view, replacer: room, window: this.#window });
    } catch (error) {
      // One that cannot move for another reason.
      if (!(error instanceof RelocationError)) throw error;
    }
  }

  /** Counts in the strings of a file from a place on; all before it is changed already. */
  surveyRest(
    { file, offset }: { readonly file: StagedFile; readonly offset: number },
    room: StringRoom,
  ): void {
    const rest: StringFile = {
      size: file.size - offset,
      readInto: (target, at) => file.readInto(target, offset + at),
      write: () => {},
    };
    replaceCStrings({ name: '', file: rest, replacer: room, window: this.#window });
  }

  /** Learns how long a root may be, by the roots of the new prefixes. */
  room(rootLengthOf: (replacement: Uint8Array) => number | undefined): StringRoom {
    return new StringRoom(this.#cStringMapping, rootLengthOf);
  }

  #machoRequest({ name, file, origin }: BinaryFile): MachoRequest {
    return {
      name,
      file,
      origin,
      patcher: this.#macho,
      mapping: this.#mapping,
      replacer: this.#strings,
      window: this.#window,
    };
  }
}
