// The edits that relocate a Mach-O file (FORMATS §5 "Mach-O"): names in load commands of every slice, and, once everything is written, new
// hashes in the signatures of the slices that changed.
import {
  type CodeSignature,
  fitsSignature,
  readCodeSignature,
  signAdHoc,
} from '../../binfmt/macho/codesign.js';
import { type MachoFile, type MachoName, type MachoSlice, readMacho } from '../../binfmt/macho/macho.js';
import { renameMacho, shortageOf } from '../../binfmt/macho/macho-names.js';
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { RelocationError } from '../../core/errors.js';
import type { FileOrigin, MachoPatcher, PrefixMapping, SignOptions } from '../engine.js';
import { mapRelativeIdentity, mapRelativeName } from './relative-rpath.js';
import { mapPath } from './rpath.js';

/** The patcher in plain TypeScript. */
export function makeMachoPatcher(mapping: PrefixMapping, options: SignOptions): MachoPatcher {
  return {
    patch: (source, origin) => patchMacho(source, mapping, origin),
    checkSignable: (source) => checkSignable(source, options),
    resign: (source) => resignMacho(source, options),
  };
}

/**
 * The edits for the load commands of a Mach-O file; empty for what is none, or is malformed. The file keeps its size.
 * @throws RelocationError `macho-unsupported` for 32 bit and big-endian files, `macho-no-room`
 */
function patchMacho(
  source: ByteSource,
  mapping: PrefixMapping,
  origin: FileOrigin | undefined,
): readonly Edit[] {
  const file = supported(readMacho(source));
  return (file?.slices ?? []).flatMap((slice) => {
    const edits = renameMacho(source, slice, (name) => mapName(name, mapping, origin));
    if ('problem' in edits) throw noRoomInMacho(edits.missing, slice.offset);
    return edits;
  });
}

function mapName(
  { value, command }: MachoName,
  mapping: PrefixMapping,
  origin: FileOrigin | undefined,
): Uint8Array | undefined {
  if (origin === undefined) return mapPath(value, mapping);
  return command === 'LC_ID_DYLIB'
    ? mapRelativeIdentity(value, mapping, origin)
    : mapRelativeName(value, mapping, origin);
}

function supported(file: ReturnType<typeof readMacho>): MachoFile | undefined {
  if (file === undefined || 'problem' in file) return undefined;
  if (file.unsupported === undefined) return file;
  throw machoUnsupported(file.unsupported);
}

export function machoUnsupported(form: string): RelocationError {
  return new RelocationError('macho-unsupported', `Cannot relocate a Mach-O file that is ${form}`, {
    data: { form },
  });
}

export function noRoomInMacho(missing: number, sliceOffset: number): RelocationError {
  return new RelocationError(
    'macho-no-room',
    `Cannot replace the names in load commands: ${shortageOf(missing).problem}`,
    {
      hint: 'Link with -headerpad_max_install_names, or install to a shorter root',
      data: { missing, sliceOffset },
    },
  );
}

/**
 * The edits that make the signatures of a changed file fit again: those of slices whose bytes are others than were signed.
 * @throws RelocationError `macho-signed` for a signature of a real identity that must not be replaced, `macho-signature`
 */
function resignMacho(source: ByteSource, options: SignOptions): readonly Edit[] {
  return slicesOf(source).flatMap((slice) => {
    const signature = readCodeSignature(source, slice);
    if (signature !== undefined && !('problem' in signature) && fitsSignature(source, slice, signature))
      return [];
    const usable = checkSignature(signature, slice, options);
    return usable === undefined ? [] : signAdHoc(source, slice, usable);
  });
}

/**
 * Refuses a file whose signature would stand in the way of a change.
 * @throws RelocationError as `resignMacho`
 */
function checkSignable(source: ByteSource, options: SignOptions): void {
  for (const slice of slicesOf(source)) checkSignature(readCodeSignature(source, slice), slice, options);
}

function slicesOf(source: ByteSource): readonly MachoSlice[] {
  const file = readMacho(source);
  return file === undefined || 'problem' in file ? [] : file.slices;
}

function checkSignature(
  signature: ReturnType<typeof readCodeSignature>,
  slice: MachoSlice,
  { replaceIdentity }: SignOptions,
): CodeSignature | undefined {
  if (signature === undefined) return undefined;
  if ('problem' in signature) throw signatureRefused(signature.problem, slice.offset);
  if (signature.isAdHoc || replaceIdentity) return signature;
  throw identityRefused(signature.directories[0]?.identifier ?? '', slice.offset);
}

export function signatureRefused(problem: string, sliceOffset: number): RelocationError {
  return new RelocationError('macho-signature', `Cannot sign a changed file: ${problem}`, {
    data: { problem, sliceOffset },
  });
}

export function identityRefused(identifier: string, sliceOffset: number): RelocationError {
  return new RelocationError('macho-signed', `Cannot change "${identifier}": a real identity has signed it`, {
    hint: 'Allow to replace the signature by one of nobody',
    data: { identifier, sliceOffset },
  });
}
