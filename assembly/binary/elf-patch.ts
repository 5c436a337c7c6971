// The edits that relocate an ELF file (the rules are those of src/relocation/elf-patch.ts): in place, padded with NULs, where the new strings
// fit; by growth if one does not.

import { mark, release } from '../memory';
import * as dynamic from './elf-dynamic';
import { openElf } from './elf-format';
import { beginGrowth, eraseUnusedStrings, Growth, planGrowth, writeGrowth } from './elf-grow';
import { edit, openFile, reserve } from './host';
import { lengthens } from './mapping';
import * as problem from './problems';
import { hasOrigin, mapRelativeRpath, openOrigin } from './relative';
import { isTooLong, mapPath, mappedAt, mappedLength, mapRpath } from './rpath';

export const RPATH: i32 = 1;
export const INTERPRETER: i32 = 2;

/** What a refusal is about: `RPATH`, `INTERPRETER` or 0 for the names of libraries; the old string in the file and in memory, and the new one. */
export let refusedWhat: i32 = 0;
export let refusedOffset: f64 = 0;
export let refusedAt: usize = 0;
export let refusedLength: i32 = 0;
export let refusedNewAt: usize = 0;
export let refusedNewLength: i32 = 0;

let newRpath: usize = 0;
let newRpathLength: i32 = 0;
let newInterpreter: usize = 0;
let newInterpreterLength: i32 = 0;
let growsStrings: bool = false;

const growth: Growth = changetype<Growth>(memory.data(32, 8));

/** Reports the edits to the host; returns why the file must grow but cannot, or 0. The last three arguments are the lengths of the file's location, or -1. */
export function patchElf(
  size: f64,
  rewriteInterpreter: bool,
  oldFolder: i32,
  newFolder: i32,
  root: i32,
): i32 {
  openFile(size);
  openOrigin(oldFolder, newFolder, root);
  beginGrowth();
  newRpath = newInterpreter = 0;
  if (!openElf() || !dynamic.readDynamic()) return problem.NO_PROBLEM;
  const hasInterpreter = (!rewriteInterpreter && !lengthens) || dynamic.readInterpreter();
  if (rewriteInterpreter && !hasInterpreter) return problem.NO_PROBLEM;
  if (!planRpath()) return refuse(problem.RPATH_TOO_LONG);
  planInterpreter();
  if (!lengthens && !hasOrigin) return editInPlace(true, true);
  growsStrings = isRpathLonger() || dynamic.growsNames();
  if (rewriteInterpreter) return settle();
  // The interpreter is left to the C string rule, which cannot make it longer.
  if (isInterpreterLonger()) {
    const before = mark();
    if (grow() == problem.NO_PROBLEM) return problem.NO_PROBLEM;
    release(before);
    beginGrowth();
  }
  newInterpreter = 0;
  return settle();
}

function planRpath(): bool {
  if (dynamic.rpathAt == 0) return true;
  const isMapped = hasOrigin
    ? mapRelativeRpath(dynamic.rpathAt, dynamic.rpathLength)
    : mapRpath(dynamic.rpathAt, dynamic.rpathLength);
  if (!isMapped) return true;
  if (isTooLong) return false;
  newRpath = mappedAt;
  newRpathLength = mappedLength;
  return true;
}

function planInterpreter(): void {
  if (dynamic.interpreterAt == 0 || !mapPath(dynamic.interpreterAt, dynamic.interpreterLength)) return;
  newInterpreter = mappedAt;
  newInterpreterLength = mappedLength;
}

function isRpathLonger(): bool {
  return newRpath != 0 && newRpathLength > dynamic.rpathLength;
}

function isInterpreterLonger(): bool {
  return newInterpreter != 0 && newInterpreterLength > dynamic.interpreterLength;
}

/** All changes, in place or by growth. */
function settle(): i32 {
  if (!growsStrings && !isInterpreterLonger()) {
    eraseUnusedStrings();
    return editInPlace(true, true);
  }
  const status = grow();
  return status == problem.NO_PROBLEM ? status : refuse(status);
}

function grow(): i32 {
  const growsInterpreter = isInterpreterLonger();
  growth.hasStrings = growsStrings;
  growth.rpath = newRpath;
  growth.rpathLength = newRpathLength;
  growth.interpreter = growsInterpreter ? newInterpreter : 0;
  growth.interpreterLength = newInterpreterLength;
  const status = planGrowth(growth);
  if (status != problem.NO_PROBLEM) return status;
  if (!growsStrings) eraseUnusedStrings();
  editInPlace(!growsStrings, !growsInterpreter);
  writeGrowth(growth);
  return problem.NO_PROBLEM;
}

/** Writes the new strings over the old ones, which are not shorter; NULs fill the rest. */
function editInPlace(rpath: bool, interpreter: bool): i32 {
  if (rpath && newRpath != 0) pad(dynamic.rpathOffset, dynamic.rpathLength, newRpath, newRpathLength);
  if (interpreter && newInterpreter != 0)
    pad(dynamic.interpreterOffset, dynamic.interpreterLength, newInterpreter, newInterpreterLength);
  return problem.NO_PROBLEM;
}

function pad(offset: u64, length: i32, value: usize, valueLength: i32): void {
  const bytes = reserve(length);
  memory.copy(bytes, value, valueLength);
  memory.fill(bytes + valueLength, 0, length - valueLength);
  edit(offset, bytes, length);
}

function refuse(status: i32): i32 {
  const isInterpreter = isInterpreterLonger();
  const isRpath = !isInterpreter && (newRpath != 0 || status == problem.RPATH_TOO_LONG);
  refusedWhat = isInterpreter ? INTERPRETER : isRpath ? RPATH : 0;
  refusedOffset = <f64>(isInterpreter ? dynamic.interpreterOffset : dynamic.rpathOffset);
  refusedAt = isInterpreter ? dynamic.interpreterAt : dynamic.rpathAt;
  refusedLength = isInterpreter ? dynamic.interpreterLength : dynamic.rpathLength;
  refusedNewAt = isInterpreter ? newInterpreter : newRpath;
  refusedNewLength = isInterpreter ? newInterpreterLength : newRpathLength;
  return status;
}
