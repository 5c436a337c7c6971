// New names in the load commands of a Mach-O slice (`mach-o/loader.h`): commands grow into the padding that linkers leave behind them
// (`-headerpad`), and move up; no other part of the file moves.
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { concatBytes, equalBytes, toLatin1 } from '../../core/bytes.js';
import {
  LC_RPATH,
  MACH_HEADER_SIZE,
  type MachoCommand,
  type MachoName,
  type MachoProblem,
  type MachoSlice,
  nameOf,
} from './macho.js';

/** Commands are aligned to this in 64 bit files. */
const ALIGNMENT = 8;

/** How many bytes are missing behind the load commands. */
export interface MachoShortage extends MachoProblem {
  readonly missing: number;
}

/**
 * The edits that give a slice its new names, all or none; empty where nothing changes. A second rpath of one value is dropped, since
 * `dyld` refuses such files.
 */
export function renameMacho(
  source: ByteSource,
  slice: MachoSlice,
  map: (name: MachoName) => Uint8Array | undefined,
): readonly Edit[] | MachoShortage {
  const commands = slice.commands.map((command) => renameCommand(slice.head, command, map));
  if (!commands.some(({ isChanged }) => isChanged)) return [];
  const kept = withoutRepeatedRpaths(commands);
  const body = concatBytes(kept.map(({ bytes }) => bytes));
  const end = MACH_HEADER_SIZE + body.length;
  if (end > slice.limit) return shortageOf(end - slice.limit);
  const grown = end - slice.head.length;
  if (grown > 0 && !isPadding(source, slice, grown)) return shortageOf(grown);
  const header = slice.head.slice(0, MACH_HEADER_SIZE);
  const view = new DataView(header.buffer);
  view.setUint32(16, kept.length, true);
  view.setUint32(20, body.length, true);
  const rest = new Uint8Array(Math.max(0, -grown));
  return [{ offset: slice.offset, bytes: concatBytes([header, body, rest]) }];
}

export function shortageOf(missing: number): MachoShortage {
  return { problem: `there are ${missing} bytes too few behind its load commands`, missing };
}

function isPadding(source: ByteSource, slice: MachoSlice, size: number): boolean {
  return source.read(slice.offset + slice.head.length, size).every((byte) => byte === 0);
}

interface NewCommand {
  readonly bytes: Uint8Array;
  readonly isChanged: boolean;
  /** The value of an LC_RPATH. */
  readonly rpath: string | undefined;
}

function renameCommand(
  head: Uint8Array,
  command: MachoCommand,
  map: (name: MachoName) => Uint8Array | undefined,
): NewCommand {
  const bytes = head.subarray(command.offset, command.offset + command.size);
  const name = nameOf(head, command);
  const value = name && map(name);
  const rpath = name && command.cmd === LC_RPATH ? toLatin1(value ?? name.value) : undefined;
  if (name === undefined || value === undefined || equalBytes(value, name.value))
    return { bytes, isChanged: false, rpath };
  const at = name.offset - command.offset;
  const wanted = Math.ceil((at + value.length + 1) / ALIGNMENT) * ALIGNMENT;
  const renamed = new Uint8Array(Math.max(command.size, wanted));
  renamed.set(bytes.subarray(0, at));
  renamed.set(value, at);
  new DataView(renamed.buffer).setUint32(4, renamed.length, true);
  return { bytes: renamed, isChanged: true, rpath };
}

function withoutRepeatedRpaths(commands: readonly NewCommand[]): readonly NewCommand[] {
  const seen = new Set<string>();
  return commands.filter(({ rpath }) => {
    if (rpath === undefined) return true;
    const isNew = !seen.has(rpath);
    seen.add(rpath);
    return isNew;
  });
}
