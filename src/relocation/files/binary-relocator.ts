// The binaries of a package or a tree, one at a time: relocated, only looked at, or counted for what a refusal tells.
import { type Edit, sizeAfterEdits } from '../../core/byte-source.js';
import type { EditableFile } from '../../core/editable-file.js';
import { RelocationError } from '../../core/errors.js';
import type { PrefixMapping, RelocationKernels } from '../engine.js';
import { encodeMapping, type PathMapping } from '../prefixes/prefix-map.js';
import { StringRoom } from '../strings/string-room.js';
import {
  type BinaryChanges,
  type BinaryFile,
  type BinaryTools,
  isMachoFile,
  relocateBinary,
  WindowSteps,
} from './binary-steps.js';
import { EditedFile, unwritten } from './edited-file.js';
import { replaceFrom, stringWindow } from './string-windows.js';

export interface BinaryRelocatorOptions {
  readonly engine: RelocationKernels;
  /** For rpaths, interpreters and names. */
  readonly mapping: PathMapping;
  readonly cStringMapping: PathMapping;
  readonly rewriteInterpreter: boolean;
  /** Whether a signature of a real identity may become an ad-hoc one. */
  readonly replaceIdentity: boolean;
}

export class BinaryRelocator {
  readonly #cStringMapping: PrefixMapping;
  readonly #tools: BinaryTools;
  #ownWindow: Uint8Array | undefined;

  constructor({ engine, replaceIdentity, rewriteInterpreter, ...mappings }: BinaryRelocatorOptions) {
    const mapping = encodeMapping(mappings.mapping);
    this.#cStringMapping = encodeMapping(mappings.cStringMapping);
    this.#tools = {
      elf: engine.createElfPatcher(mapping, { rewriteInterpreter }),
      macho: engine.createMachoPatcher(mapping, { replaceIdentity }),
      mapping,
      strings: engine.createCStringReplacer(this.#cStringMapping),
    };
  }

  /**
   * Changes a file; one that ends in an error may be half changed.
   * @throws RelocationError as `relocateBinary`
   */
  relocate(binary: BinaryFile): BinaryChanges {
    return relocateBinary(binary, this.#tools, this.#window);
  }

  /** The steps for a file that comes in windows, with the names that were found in it before. */
  windowSteps(name: string, edits: readonly Edit[]): WindowSteps {
    return new WindowSteps({ name, edits, tools: this.#tools });
  }

  /**
   * Says what would change in a file; undefined for nothing.
   * @throws RelocationError as `relocate`
   */
  look(binary: BinaryFile): { readonly grownBy: number } | undefined {
    const { file } = binary;
    // Signing reads what was changed; for an ELF file it would be memory for nothing.
    const view = isMachoFile(file) ? new EditedFile(file) : unwritten(file);
    const { edits, strings } = this.relocate({ ...binary, file: view });
    if (strings === 0 && edits.every((edit) => isThere(edit, file))) return undefined;
    return { grownBy: sizeAfterEdits(file.size, edits) - file.size };
  }

  /** Counts the strings of a file in, as it would be without what was refused. */
  survey(binary: BinaryFile, room: StringRoom): void {
    const { elf, macho, mapping } = this.#tools;
    const unsigned = {
      patch: macho.patch.bind(macho),
      checkSignable: () => {},
      resign: () => [],
    };
    const file = unwritten(binary.file);
    try {
      relocateBinary({ ...binary, file }, { elf, macho: unsigned, mapping, strings: room }, this.#window);
    } catch (error) {
      // One that cannot move for another reason.
      if (!(error instanceof RelocationError)) throw error;
    }
  }

  /** Counts in the strings of a file from a place on; all before it is changed already. */
  surveyRest(
    { file, offset }: { readonly file: EditableFile; readonly offset: number },
    room: StringRoom,
  ): void {
    const tools = { mapping: this.#tools.mapping, strings: room };
    const steps = new WindowSteps({ name: '', edits: [], tools });
    replaceFrom(offset, { file: unwritten(file), work: steps, window: this.#window });
  }

  /** Learns how long a root may be, by the roots of the new prefixes. */
  room(rootLengthOf: (replacement: Uint8Array) => number | undefined): StringRoom {
    return new StringRoom(this.#cStringMapping, rootLengthOf);
  }

  get #window(): Uint8Array {
    this.#ownWindow ??= stringWindow(this.#tools.strings);
    return this.#ownWindow;
  }
}

/** Whether an edit writes what the file has. */
function isThere({ offset, bytes }: Edit, file: EditableFile): boolean {
  const there = new Uint8Array(bytes.length);
  const length = file.readInto(there, offset);
  return length === bytes.length && Buffer.compare(there, bytes) === 0;
}
