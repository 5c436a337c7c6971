// Puts a short `#!` line before one that is too long: FORMATS §5, install hook "sbang" (Spack `filter_shebang`).
import { concatBytes, equalBytes, startsWithBytes, toLatin1 } from '../../core/bytes.js';

/** How many bytes at the start of a file decide. */
export const SHEBANG_BYTES = 4096;

/** Spack reads this much of a line; a line that fills it counts as cut off, even if its last byte is the newline. */
const LINE_LIMIT = 4096;

const NEWLINE = 0x0a;
const MARK = Buffer.from('#!');

/** Where the sbang script is, and the longest `#!` line that the system accepts (127 on Linux, 511 on macOS). */
export interface SbangTarget {
  readonly sbangPath: Uint8Array;
  readonly limit: number;
}

/** The new beginning of a file, and how many of the old bytes it replaces. */
export interface ShebangEdit {
  readonly header: Uint8Array;
  readonly replaces: number;
}

/**
 * The new beginning of a script whose `#!` line is longer than the limit; undefined when the file does not change.
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

/** The first line with its newline, if it has one. Undefined without `#!`, or for a line beyond 4,095 bytes. */
function shebangLine(firstBytes: Uint8Array): Uint8Array | undefined {
  if (!startsWithBytes(firstBytes, MARK)) return undefined;
  const newline = firstBytes.indexOf(NEWLINE);
  const length = newline < 0 ? firstBytes.length : newline + 1;
  return length < LINE_LIMIT ? firstBytes.subarray(0, length) : undefined;
}

function interpreterOf(line: Uint8Array): string | undefined {
  return /^#![ \t]*([^ \t\0\n]+)/.exec(toLatin1(line))?.[1];
}

/** The old line as a comment in the interpreter's language: Lua, Node.js and PHP do not accept `#` on a second line. */
function secondLine(line: Uint8Array, interpreter: string): readonly Uint8Array[] {
  const rest = line.subarray(MARK.length);
  if (interpreter.endsWith('/lua') || interpreter.endsWith('/luajit')) return [Buffer.from('--!'), rest];
  if (interpreter.endsWith('/node')) return [Buffer.from('//!'), rest];
  if (interpreter.endsWith('/php')) return [Buffer.from('<?php '), line, Buffer.from(' ?>')];
  return [line];
}
