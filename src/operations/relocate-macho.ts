// A Mach-O file of a tree: load commands, then C strings, then signatures, whose hashes cover both.
import { DETECT_BYTES, detectFileKind } from '../binfmt/detect.js';
import { coverEdits } from '../relocation/covered-edits.js';
import type { FileOrigin, MachoPatcher, PrefixMapping } from '../relocation/engine.js';
import { namingFile } from '../relocation/naming-file.js';
import type { StagedFile } from '../store/staging/staged-file.js';
import { EditedFile } from './edited-file.js';
import type { BinaryCounts } from './relocate-binaries.js';
import { type CStringRequest, replaceCStrings } from './relocate-strings.js';

export interface MachoRequest extends CStringRequest {
  readonly file: StagedFile;
  readonly patcher: MachoPatcher;
  /** That of the patcher. */
  readonly mapping: PrefixMapping;
  readonly origin?: FileOrigin | undefined;
}

export function isMacho(file: StagedFile): boolean {
  return detectFileKind(file.read(0, DETECT_BYTES)) === 'macho';
}

/**
 * Says what would change in a file.
 * @throws RelocationError `macho-unsupported`, `macho-no-room`, `macho-signed`, `macho-signature`, `cannot-grow-string`,
 * `cannot-shrink-string`
 */
export function lookAtMacho({ name, file, patcher, mapping, origin, ...rest }: MachoRequest): BinaryCounts {
  const edits = namingFile(name, () => patcher.patch(file, origin));
  const view = new EditedFile(file, coverEdits(edits, mapping));
  const strings = replaceCStrings({ ...rest, name, file: view });
  if (edits.length + strings > 0) namingFile(name, () => patcher.checkSignable(file));
  return { edits: edits.length, strings };
}

/**
 * Changes a file; one that ends in an error may be half changed.
 * @throws RelocationError as `lookAtMacho`
 */
export function relocateMacho({ name, file, patcher, mapping, origin, ...rest }: MachoRequest): BinaryCounts {
  const edits = namingFile(name, () => patcher.patch(file, origin));
  const covered = coverEdits(edits, mapping);
  for (const edit of covered) file.write(edit.offset, edit.bytes);
  const strings = replaceCStrings({ ...rest, name, file });
  if (covered !== edits) for (const edit of edits) file.write(edit.offset, edit.bytes);
  if (edits.length + strings > 0) {
    for (const edit of namingFile(name, () => patcher.resign(file))) file.write(edit.offset, edit.bytes);
  }
  return { edits: edits.length, strings };
}
