// ELF and Mach-O patchers of the WASM engine: calls of the kernels in assembly/binary/, and the errors that their refusals are.
import type { ByteSource, Edit } from '../../../core/byte-source.js';
import { toLatin1 } from '../../../core/bytes.js';
import type {
  ElfOptions,
  ElfPatcher,
  FileOrigin,
  MachoPatcher,
  PrefixMapping,
  SignOptions,
} from '../../engine.js';
import { growthRefused } from '../../names/elf-patch.js';
import {
  identityRefused,
  machoUnsupported,
  noRoomInMacho,
  signatureRefused,
} from '../../names/macho-patch.js';
import { rpathTooLong } from '../../names/rpath.js';
import {
  ELF_PROBLEMS,
  MACHO_FORMS,
  MACHO_REFUSALS,
  REFUSED_PARTS,
  RPATH_TOO_LONG,
  SIGNATURE_PROBLEMS,
  wordsFor,
} from '../binary-problems.js';
import type { PatcherKernels } from './wasm-patcher-kernels.js';

export function makeWasmElfPatcher(
  kernels: PatcherKernels,
  mapping: PrefixMapping,
  { rewriteInterpreter }: ElfOptions,
): ElfPatcher {
  return {
    patch: (source, origin) =>
      kernels.run(
        { source, mapping, origin },
        (wasm) => wasm.patchElf(source.size, Number(rewriteInterpreter), ...lengthsOf(origin)),
        refuseElf,
      ),
  };
}

/** No length can be negative: so a file without a place is told. */
function lengthsOf(origin: FileOrigin | undefined): [oldFolder: number, newFolder: number, root: number] {
  return origin === undefined ? [-1, -1, -1] : [origin.old.length, origin.new.length, origin.root.length];
}

function refuseElf(status: number, kernels: PatcherKernels): Error {
  const { exports } = kernels;
  const problem = wordsFor(ELF_PROBLEMS, status);
  if (problem === RPATH_TOO_LONG) return rpathTooLong();
  const what = exports.refusedWhat.value;
  const found = {
    offset: exports.refusedOffset.value,
    old: kernels.copy(exports.refusedAt, exports.refusedLength),
    value: kernels.copy(exports.refusedNewAt, exports.refusedNewLength),
  };
  return growthRefused(
    what === REFUSED_PARTS.INTERPRETER ? 'interpreter' : 'rpath',
    what === 0 ? undefined : found,
    problem,
  );
}

export function makeWasmMachoPatcher(
  kernels: PatcherKernels,
  mapping: PrefixMapping,
  { replaceIdentity }: SignOptions,
): MachoPatcher {
  const sign = (source: ByteSource, kernel: 'checkSignable' | 'resign'): readonly Edit[] =>
    kernels.run(
      { source, mapping },
      (wasm) => wasm[kernel](source.size, Number(replaceIdentity)),
      refuseSigning,
    );
  return {
    patch: (source, origin) =>
      kernels.run(
        { source, mapping, origin },
        (wasm) => wasm.patchMacho(source.size, ...lengthsOf(origin)),
        refuseMacho,
      ),
    checkSignable: (source) => void sign(source, 'checkSignable'),
    resign: (source) => sign(source, 'resign'),
  };
}

function refuseMacho(status: number, { exports }: PatcherKernels): Error {
  if (status === MACHO_REFUSALS.UNSUPPORTED)
    return machoUnsupported(MACHO_FORMS[exports.refusedForm.value - 1] ?? 'unknown');
  return noRoomInMacho(exports.missingRoom.value, exports.refusedSlice.value);
}

function refuseSigning(status: number, kernels: PatcherKernels): Error {
  const { exports } = kernels;
  const sliceOffset = exports.signatureSlice.value;
  if (status !== MACHO_REFUSALS.SIGNED)
    return signatureRefused(wordsFor(SIGNATURE_PROBLEMS, status), sliceOffset);
  const identifier = toLatin1(kernels.copy(exports.identifierAt, exports.identifierLength));
  return identityRefused(identifier, sliceOffset);
}
