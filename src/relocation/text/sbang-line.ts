// Too long a `#!` line gets a short one in front: FORMATS §5, install hook "sbang" (Spack `filter_shebang`).
import { concatBytes, equalBytes, startsWithBytes, toLatin1 } from '../../core/bytes.js';

/** How much of a file's beginning decides. */
export const SHEBANG_BYTES = 4096;

/** Spack reads this much of a line; one that fills it counts as cut off, even where its newline is the last byte. */
const LINE_LIMIT = 4096;

const NEWLINE = 0x0a;
const MARK = Buffer.from('#!');

/** Where the sbang script is, and how long a `#!` line the system takes (127 on Linux, 511 on macOS). */
export interface SbangTarget {
  readonly sbangPath: Uint8Array;
  readonly limit: number;
}

/** The new beginning of a file, and how many of its bytes that replaces. */
export interface ShebangEdit {
  readonly header: Uint8Array;
  readonly replaces: number;
}

/**
 * The new beginning of a script whose `#!` line is longer than the limit; undefined where the file stays as it is.
 * @param firstBytes the file's first `SHEBANG_BYTES` bytes, fewer only when the file is shorter
 */
export function filterShebang(firstBytes: Uint8Array, target: SbangTarget): ShebangEdit | undefined {
  const line = shebangLine(firstBytes);
  if (line === undefined || line.length <= target.limit) return undefined;
  const sbangLine = concatBytes([Buffer.from('#!/bin/sh '), target.sbangPath, Buffer.from('\n')]);
  const interpreter = interpreterOf(line);
  if (interpreter === undefined || equalBytes(line, sbangLine)) return undefined;
  return { header: concatBytes([sbangLine, ...secondLine(line, interpreter)]), replaces: line.length };
}

/** The first line with its newline; a last line may lack it. Undefined for no `#!`, or a line beyond 4,095 bytes. */
function shebangLine(firstBytes: Uint8Array): Uint8Array | undefined {
  if (!startsWithBytes(firstBytes, MARK)) return undefined;
  const newline = firstBytes.indexOf(NEWLINE);
  const length = newline < 0 ? firstBytes.length : newline + 1;
  return length < LINE_LIMIT ? firstBytes.subarray(0, length) : undefined;
}

function interpreterOf(line: Uint8Array): string | undefined {
  return /^#![ \t]*([^ \t\0\n]+)/.exec(toLatin1(line))?.[1];
}

/** The old line, as a comment that the interpreter understands: Lua, Node.js and PHP do not know `#` there. */
function secondLine(line: Uint8Array, interpreter: string): readonly Uint8Array[] {
  const rest = line.subarray(MARK.length);
  if (interpreter.endsWith('/lua') || interpreter.endsWith('/luajit')) return [Buffer.from('--!'), rest];
  if (interpreter.endsWith('/node')) return [Buffer.from('//!'), rest];
  if (interpreter.endsWith('/php')) return [Buffer.from('<?php '), line, Buffer.from(' ?>')];
  return [line];
}
