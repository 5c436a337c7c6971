// ELF and Mach-O patching of the Rust addon: how its kernels read a file, and what their answers mean.
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { toLatin1 } from '../../core/bytes.js';
import type { ElfPatcher, FileOrigin, MachoPatcher, PrefixMapping, SignOptions } from '../engine.js';
import { growthRefused } from '../names/elf-patch.js';
import { identityRefused, machoUnsupported, noRoomInMacho, signatureRefused } from '../names/macho-patch.js';
import { rpathTooLong } from '../names/rpath.js';
import { ELF_PROBLEMS, MACHO_FORMS, RPATH_TOO_LONG, SIGNATURE_PROBLEMS } from './binary-problems.js';
import { checkStatus, type NativeAddon, type NativePatch, nativeFailure } from './native-addon.js';

/** The status and up to three facts. */
const REPORT_SIZE = 4;

/** `UNREADABLE` in native/src/answer.rs. */
const UNREADABLE = -1002;

export function makeNativeElfPatcher(
  addon: NativeAddon,
  mapping: PrefixMapping,
  options: { readonly rewriteInterpreter: boolean },
): ElfPatcher {
  const patcher = new addon.ElfPatcher(...columnsOf(mapping), options.rewriteInterpreter);
  const patch: NativePatch = (...request) => patcher.patch(...request);
  return { patch: (source, origin) => editsOf(callOnFile(patch, source, origin), elfRefusal) };
}

export function makeNativeMachoPatcher(
  addon: NativeAddon,
  mapping: PrefixMapping,
  options: SignOptions,
): MachoPatcher {
  const patcher = new addon.MachoPatcher(...columnsOf(mapping), options.replaceIdentity);
  const patch: NativePatch = (...request) => patcher.patch(...request);
  const check: NativePatch = (...request) => patcher.checkSignable(...request);
  const resign: NativePatch = (...request) => patcher.resign(...request);
  return {
    patch: (source, origin) => editsOf(callOnFile(patch, source, origin), machoRefusal),
    checkSignable: (source) => {
      editsOf(callOnFile(check, source), machoRefusal);
    },
    resign: (source) => editsOf(callOnFile(resign, source), machoRefusal),
  };
}

function columnsOf(mapping: PrefixMapping): [Uint8Array[], Uint8Array[]] {
  return [mapping.map(([from]) => from), mapping.map(([, to]) => to)];
}

/** What a kernel answered for one file. */
interface Answer {
  readonly status: number;
  readonly facts: Float64Array;
  readonly bytes: Uint8Array;
}

/** The kernel never sees an error of the source: it is kept here, and thrown when the kernel has given up. */
function callOnFile(patch: NativePatch, source: ByteSource, origin?: FileOrigin): Answer {
  const report = new Float64Array(REPORT_SIZE);
  const failures: unknown[] = [];
  const read = (offset: number, length: number): Uint8Array | undefined => {
    try {
      return source.read(offset, length);
    } catch (error) {
      failures.push(error);
      return undefined;
    }
  };
  const places = origin && ([origin.old, origin.new, origin.root] as const);
  const bytes = patch(source.size, read, report, places) ?? new Uint8Array(0);
  const [status = 0] = report;
  if (status === UNREADABLE) throw failures[0] ?? nativeFailure('it was given no bytes');
  return { status: checkStatus(status), facts: report.subarray(1), bytes };
}

function editsOf(answer: Answer, refusal: (answer: Answer) => Error): readonly Edit[] {
  if (answer.status !== 0) throw refusal(answer);
  const { bytes } = answer;
  if (bytes.length === 0) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const edits: Edit[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [offset, length] = [view.getFloat64(at, true), view.getFloat64(at + 8, true)];
    edits.push({ offset, bytes: bytes.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return edits;
}

function elfRefusal({ status, facts, bytes }: Answer): Error {
  const problem = textOf(ELF_PROBLEMS, status);
  if (problem === RPATH_TOO_LONG) return rpathTooLong();
  const [what, offset = -1, length = 0] = facts;
  const refused = { offset, old: bytes.subarray(0, length), value: bytes.subarray(length) };
  return growthRefused(what === 1 ? 'interpreter' : 'rpath', offset < 0 ? undefined : refused, problem);
}

function machoRefusal({ status, facts: [first = 0, second = 0], bytes }: Answer): Error {
  switch (status) {
    case 1:
      return machoUnsupported(textOf(MACHO_FORMS, first));
    case 2:
      return noRoomInMacho(first, second);
    case 3:
      return signatureRefused(textOf(SIGNATURE_PROBLEMS, first), second);
    case 4:
      return identityRefused(toLatin1(bytes), first);
    default:
      return nativeFailure(`its kernel refused a file for an unknown reason: ${status}`);
  }
}

function textOf(texts: readonly string[], number: number): string {
  return texts[number] ?? `of reason ${number}`;
}
