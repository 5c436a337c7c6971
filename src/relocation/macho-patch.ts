// The edits that relocate a Mach-O file (FORMATS §5 "Mach-O"): names in load commands of every slice, and, once everything is written, new
// hashes in the signatures of the slices that changed.
import { type CodeSignature, readCodeSignature, signAdHoc } from '../binfmt/codesign.js';
import { type MachoFile, type MachoSlice, readMacho } from '../binfmt/macho.js';
import { renameMacho } from '../binfmt/macho-names.js';
import type { ByteSource, Edit } from '../core/byte-source.js';
import { RelocationError } from '../core/errors.js';
import type { PrefixMapping } from './engine.js';
import { mapPath } from './rpath.js';

/**
 * The edits for the load commands of a Mach-O file; empty for what is none, or is malformed. The file keeps its size.
 * @throws RelocationError `macho-unsupported` for 32 bit and big-endian files, `macho-no-room`
 */
export function patchMacho(source: ByteSource, mapping: PrefixMapping): readonly Edit[] {
  const file = supported(readMacho(source));
  return (file?.slices ?? []).flatMap((slice) => {
    const edits = renameMacho(source, slice, (name) => mapPath(name, mapping));
    if (!('problem' in edits)) return edits;
    throw new RelocationError(
      'macho-no-room',
      `Cannot replace the names in load commands: ${edits.problem}`,
      {
        hint: 'Link with -headerpad_max_install_names, or install to a shorter root',
        data: { missing: edits.missing, sliceOffset: slice.offset },
      },
    );
  });
}

function supported(file: ReturnType<typeof readMacho>): MachoFile | undefined {
  if (file === undefined || 'problem' in file) return undefined;
  if (file.unsupported === undefined) return file;
  throw new RelocationError(
    'macho-unsupported',
    `Cannot relocate a Mach-O file that is ${file.unsupported}`,
    { data: { form: file.unsupported } },
  );
}

export interface SignOptions {
  /** Where bytes were changed. */
  readonly isChanged: (slice: { readonly offset: number; readonly size: number }) => boolean;
  /** Whether a signature of a real identity may become one of nobody. */
  readonly replaceIdentity: boolean;
}

/**
 * The edits that make the signatures of changed slices fit again; empty where nothing is signed.
 * @throws RelocationError `macho-signed` for a signature of a real identity that must not be replaced, `macho-signature`
 */
export function resignMacho(source: ByteSource, options: SignOptions): readonly Edit[] {
  const file = readMacho(source);
  if (file === undefined || 'problem' in file) return [];
  return file.slices.filter(options.isChanged).flatMap((slice) => {
    const signature = usableSignature(source, slice, options);
    return signature === undefined ? [] : signAdHoc(source, slice, signature);
  });
}

function usableSignature(
  source: ByteSource,
  slice: MachoSlice,
  { replaceIdentity }: SignOptions,
): CodeSignature | undefined {
  const signature = readCodeSignature(source, slice);
  if (signature === undefined) return undefined;
  if ('problem' in signature) {
    throw new RelocationError('macho-signature', `Cannot sign a changed file: ${signature.problem}`, {
      data: { problem: signature.problem, sliceOffset: slice.offset },
    });
  }
  if (signature.isAdHoc || replaceIdentity) return signature;
  const identifier = signature.directories[0]?.identifier;
  throw new RelocationError('macho-signed', `Cannot change "${identifier}": a real identity has signed it`, {
    hint: 'Allow to replace the signature by one of nobody',
    data: { identifier, sliceOffset: slice.offset },
  });
}
