// Why a Mach-O file is not relocated, in words: one place for the reference and for the kernels that follow it.
import type { MachoShortage } from '../binfmt/macho-names.js';
import { RelocationError } from '../core/errors.js';

interface SlicePlace {
  /** In the file. */
  readonly offset: number;
}

/** For 32 bit and big-endian files. */
export function machoUnsupported(form: string): RelocationError {
  return new RelocationError('macho-unsupported', `Cannot relocate a Mach-O file that is ${form}`, {
    data: { form },
  });
}

/** For load commands that have too little room. */
export function machoNoRoom({ missing, problem }: MachoShortage, slice: SlicePlace): RelocationError {
  return new RelocationError('macho-no-room', `Cannot replace the names in load commands: ${problem}`, {
    hint: 'Link with -headerpad_max_install_names, or install to a shorter root',
    data: { missing, sliceOffset: slice.offset },
  });
}

/** For a signature that cannot be made anew. */
export function machoSignature(problem: string, slice: SlicePlace): RelocationError {
  return new RelocationError('macho-signature', `Cannot sign a changed file: ${problem}`, {
    data: { problem, sliceOffset: slice.offset },
  });
}

/** For a signature of a real identity, which a change would break. */
export function machoSigned(identifier: string | undefined, slice: SlicePlace): RelocationError {
  return new RelocationError('macho-signed', `Cannot change "${identifier}": a real identity has signed it`, {
    hint: 'Allow to replace the signature by one of nobody',
    data: { identifier, sliceOffset: slice.offset },
  });
}
