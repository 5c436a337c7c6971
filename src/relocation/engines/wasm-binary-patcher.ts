// ELF and Mach-O patchers of the WASM engine: calls of the kernels in assembly/binary/, and the errors that their refusals are.
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { toLatin1 } from '../../core/bytes.js';
import type { ElfPatcher, FileOrigin, MachoPatcher, PrefixMapping, SignOptions } from '../engine.js';
import { growthRefused } from '../names/elf-patch.js';
import { identityRefused, machoUnsupported, noRoomInMacho, signatureRefused } from '../names/macho-patch.js';
import { rpathTooLong } from '../names/rpath.js';
import { ELF_PROBLEMS, MACHO_FORMS, RPATH_TOO_LONG, SIGNATURE_PROBLEMS } from './binary-problems.js';
import type { PatcherKernels } from './wasm-patcher-kernels.js';

export function makeWasmElfPatcher(
  kernels: PatcherKernels,
  mapping: PrefixMapping,
  { rewriteInterpreter }: { readonly rewriteInterpreter: boolean },
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

/** What `refusedWhat` says. */
const INTERPRETER = 2;
const NAMES = 0;

function refuseElf(status: number, kernels: PatcherKernels): Error {
  const { exports } = kernels;
  const problem = ELF_PROBLEMS[status] ?? 'unknown problem';
  if (problem === RPATH_TOO_LONG) return rpathTooLong();
  const what = exports.refusedWhat.value;
  const found = {
    offset: exports.refusedOffset.value,
    old: kernels.copy(exports.refusedAt, exports.refusedLength),
    value: kernels.copy(exports.refusedNewAt, exports.refusedNewLength),
  };
  return growthRefused(
    what === INTERPRETER ? 'interpreter' : 'rpath',
    what === NAMES ? undefined : found,
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

/** What `patchMacho` returns for a file of another form; else the names have no room. */
const UNSUPPORTED = -1;

function refuseMacho(status: number, { exports }: PatcherKernels): Error {
  if (status === UNSUPPORTED) return machoUnsupported(MACHO_FORMS[exports.refusedForm.value] ?? 'unknown');
  return noRoomInMacho(exports.missingRoom.value, exports.refusedSlice.value);
}

/** What `checkSignable` and `resign` return for a signature of a real identity; else the number of a problem. */
const SIGNED = -3;

function refuseSigning(status: number, kernels: PatcherKernels): Error {
  const { exports } = kernels;
  const sliceOffset = exports.signatureSlice.value;
  if (status !== SIGNED)
    return signatureRefused(SIGNATURE_PROBLEMS[status] ?? 'unknown problem', sliceOffset);
  const identifier = toLatin1(kernels.copy(exports.identifierAt, exports.identifierLength));
  return identityRefused(identifier, sliceOffset);
}
