// The steps that relocate a binary, in their one order: names, cover, C strings, uncover, sign. Every way to relocate goes through here:
// files of a stage or a tree, files in memory, and streams, which have the names already and bring the rest in windows.
import { DETECT_BYTES, detectFileKind } from '../../binfmt/detect.js';
import { applyEditsAt, type ByteSource, type Edit } from '../../core/byte-source.js';
import type { EditableFile } from '../../core/editable-file.js';
import type { CStringReplacer, ElfPatcher, FileOrigin, MachoPatcher, PrefixMapping } from '../engine.js';
import { isStringRefusal } from '../strings/string-refusal.js';
import { coverEdits } from './covered-edits.js';
import { namingFile } from './naming-file.js';
import { type FileWindow, replaceInFile, type WindowResult, type WindowWork } from './string-windows.js';

export interface BinaryTools {
  readonly elf: ElfPatcher;
  readonly macho: MachoPatcher;
  /** That of the patchers. */
  readonly mapping: PrefixMapping;
  readonly strings: CStringReplacer;
}

export interface BinaryFile {
  /** For messages. */
  readonly name: string;
  readonly file: EditableFile;
  /** Where rpaths are relative to the file. */
  readonly origin?: FileOrigin | undefined;
  /** Where an old prefix may begin, if that is known. */
  readonly hits?: readonly number[] | undefined;
}

export interface BinaryChanges {
  /** New names; those behind the end make the file longer. */
  readonly edits: readonly Edit[];
  /** How many C strings were replaced. */
  readonly strings: number;
}

/**
 * Relocates a file in place; one that ends in an error may be half changed.
 * @param window memory to work in
 * @throws RelocationError `cannot-grow-string`, `cannot-shrink-string`, `cannot-grow-rpath`, `macho-unsupported`, `macho-no-room`,
 * `macho-signed`, `macho-signature`
 */
export function relocateBinary(
  { name, file, origin, hits }: BinaryFile,
  tools: BinaryTools,
  window: Uint8Array,
): BinaryChanges {
  const isMacho = isMachoFile(file);
  const edits = findNames({ name, file, origin }, isMacho ? tools.macho : tools.elf);
  const allowChange = isMacho
    ? checkOnce(() => namingFile(name, () => tools.macho.checkSignable(file)))
    : FREE;
  if (edits.length > 0) allowChange();
  const steps = new WindowSteps({ name, edits, tools, allowChange });
  writeEdits(file, steps.covered);
  const strings = replaceInFile({ file, work: steps, window, hits: isMacho ? undefined : hits });
  if (steps.covered !== edits) writeEdits(file, edits);
  if (isMacho && edits.length + strings > 0)
    writeEdits(
      file,
      namingFile(name, () => tools.macho.resign(file)),
    );
  return { edits, strings };
}

function writeEdits(file: EditableFile, edits: readonly Edit[]): void {
  for (const { offset, bytes } of edits) file.write(offset, bytes);
}

export function isMachoFile(file: ByteSource): boolean {
  return detectFileKind(file.read(0, DETECT_BYTES)) === 'macho';
}

/** The edits for new rpaths, interpreters and load commands. */
export function findNames(
  {
    name,
    file,
    origin,
  }: { readonly name: string; readonly file: ByteSource; readonly origin?: FileOrigin | undefined },
  patcher: ElfPatcher | MachoPatcher,
): readonly Edit[] {
  return namingFile(name, () => patcher.patch(file, origin));
}

const FREE = () => {};

/**
 * A signature is looked at once: before the first byte changes, and before a C string is refused. So it is that of the file as it came, and
 * a file that must not change at all is not refused for a string of it. One that needs no change is never asked.
 */
function checkOnce(check: () => void): () => void {
  let isChecked = false;
  return () => {
    if (!isChecked) check();
    isChecked = true;
  };
}

export interface WindowStepsOptions {
  /** For messages. */
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly tools: Pick<BinaryTools, 'mapping' | 'strings'>;
  /** Called before something changes, and before a string is refused; may refuse the file. */
  readonly allowChange?: () => void;
}

/** What is done with each window of a file whose names are known. */
export class WindowSteps implements WindowWork {
  /** What stands in place of the edits while C strings are replaced. */
  readonly covered: readonly Edit[];
  readonly #options: WindowStepsOptions;

  constructor(options: WindowStepsOptions) {
    this.covered = coverEdits(options.edits, options.tools.mapping);
    this.#options = options;
  }

  get seam(): number {
    return this.#options.tools.strings.seam;
  }

  get edits(): readonly Edit[] {
    return this.#options.edits;
  }

  /** Cover, C strings, uncover. */
  relocate({ bytes, offset, isLast }: FileWindow): WindowResult {
    const { edits, allowChange } = this.#options;
    applyEditsAt(bytes, offset, this.covered);
    const { next, replaced } = this.#replace({ bytes, offset, isLast });
    if (replaced > 0) allowChange?.();
    const done = isLast ? bytes.length : next;
    if (this.covered !== edits) applyEditsAt(bytes.subarray(0, done), offset, edits);
    return { done, replaced };
  }

  #replace({ bytes, offset, isLast }: FileWindow) {
    const { name, tools, allowChange } = this.#options;
    try {
      return namingFile(name, () => tools.strings.replace(bytes, { start: 0, isLast }), offset);
    } catch (error) {
      if (isStringRefusal(error)) allowChange?.();
      throw error;
    }
  }
}
