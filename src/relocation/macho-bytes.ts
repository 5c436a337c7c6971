// A whole Mach-O file in memory: load commands, then C strings, then signatures, whose hashes cover both.
import { applyEdits, sourceOfBytes } from '../core/byte-source.js';
import type { CStringReplacer, PrefixMapping } from './engine.js';
import { checkSignable, patchMacho, resignMacho, type SignOptions } from './macho-patch.js';

export interface MachoRelocation extends SignOptions {
  readonly mapping: PrefixMapping;
  readonly strings: CStringReplacer;
}

/**
 * Relocates a Mach-O file in place; says whether it changed.
 * @throws RelocationError `macho-unsupported`, `macho-no-room`, `macho-signed`, `macho-signature`, `cannot-grow-string`,
 * `cannot-shrink-string`
 */
export function relocateMachoBytes(bytes: Uint8Array, relocation: MachoRelocation): boolean {
  const source = sourceOfBytes(bytes);
  const edits = patchMacho(source, relocation.mapping);
  if (edits.length > 0) checkSignable(source, relocation);
  applyEdits(bytes, edits);
  const { replaced } = relocation.strings.replace(bytes, 0, true);
  if (edits.length + replaced === 0) return false;
  applyEdits(bytes, resignMacho(source, relocation));
  return true;
}
