// A whole Mach-O file in memory: load commands, then C strings, then signatures, whose hashes cover both.
import { applyEdits, sourceOfBytes } from '../core/byte-source.js';
import { coverEdits } from './covered-edits.js';
import type { CStringReplacer, FileOrigin, MachoPatcher, PrefixMapping } from './engine.js';

export interface MachoRelocation {
  readonly patcher: MachoPatcher;
  /** That of the patcher. */
  readonly mapping: PrefixMapping;
  readonly strings: CStringReplacer;
  readonly origin?: FileOrigin | undefined;
}

/**
 * Relocates a Mach-O file in place; says whether it changed.
 * @throws RelocationError `macho-unsupported`, `macho-no-room`, `macho-signed`, `macho-signature`, `cannot-grow-string`,
 * `cannot-shrink-string`
 */
export function relocateMachoBytes(
  bytes: Uint8Array,
  { patcher, mapping, strings, origin }: MachoRelocation,
): boolean {
  const source = sourceOfBytes(bytes);
  const edits = patcher.patch(source, origin);
  if (edits.length > 0) patcher.checkSignable(source);
  const covered = coverEdits(edits, mapping);
  applyEdits(bytes, covered);
  const { replaced } = strings.replace(bytes, { start: 0, isLast: true });
  if (covered !== edits) applyEdits(bytes, edits);
  if (edits.length + replaced === 0) return false;
  applyEdits(bytes, patcher.resign(source));
  return true;
}
