// The engines that every case goes through, and the naive answers that they are compared with.
import { toLatin1 } from '../../src/core/bytes.js';
import type { PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';
import { JsEngine } from '../../src/relocation/engines/js.js';
import { WasmEngine } from '../../src/relocation/engines/wasm/wasm.js';
import { NATIVE } from '../helpers/native-engine.js';

export const WASM = new WasmEngine();
export const ENGINES: readonly RelocationEngine[] = [new JsEngine(), WASM, ...(NATIVE ? [NATIVE] : [])];

export const SPLITS = [1, 2, 3, 7, 16, 63, 64, 65, 511, 512, 513] as const;

export function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export function mappingOf(pairs: readonly (readonly [string, string])[]): PrefixMapping {
  return pairs.map(([from, to]) => [latin1(from), latin1(to)] as const);
}

/** A copy of bytes that lies in the memory of the WASM engine, so that it works in place. */
export function inWasmMemory(bytes: Uint8Array): Uint8Array {
  const at = WASM.kernels.exports.allocate(bytes.length + 1);
  const view = WASM.kernels.bytes.subarray(at, at + bytes.length);
  view.set(bytes);
  return view;
}

/** The scan, place by place and prefix by prefix. */
export function naiveScan(bytes: Uint8Array, prefixes: readonly Uint8Array[]): number[] {
  const hits: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const index = prefixes.findIndex((prefix) => prefix.every((byte, i) => bytes[at + i] === byte));
    if (index >= 0) hits.push(at, index);
  }
  return hits;
}

/** The text rule as the expression that FORMATS gives, on one character per byte. */
export function naiveText(text: Uint8Array, mapping: PrefixMapping): Uint8Array | undefined {
  const changes = changesOf(mapping);
  if (changes.length === 0) return undefined;
  const expression = new RegExp(`(?<![\\w\\-_/])([\\w\\-_]*?)(${alternation(changes)})([\\w\\-_/]*)`, 'g');
  const input = toLatin1(text);
  if (input.search(expression) < 0) return undefined;
  const replaced = input.replace(expression, (_, run: string, prefix: string, tail: string) => {
    return run + changes.find(([from]) => from === prefix)?.[1] + tail;
  });
  return latin1(replaced);
}

/** The C string rule as its expression, with the result or the code of the error. */
export function naiveCStrings(bytes: Uint8Array, mapping: PrefixMapping): Uint8Array | string {
  const changes = changesOf(mapping);
  const input = toLatin1(bytes);
  if (changes.length === 0) return bytes;
  const expression = new RegExp(`(${alternation(changes)})([^\\0]{0,7}\\0)?`, 'g');
  let result = '';
  let end = 0;
  for (const match of input.matchAll(expression)) {
    const [whole, prefix = '', tail] = match;
    const replacement = changes.find(([from]) => from === prefix)?.[1] ?? '';
    const shorter = prefix.length - replacement.length;
    const shared = 8 - (tail?.length ?? 8);
    result += input.slice(end, match.index);
    if (shorter < 0) return 'cannot-grow-string';
    if (shared <= 0 || prefix.slice(-shared) === replacement.slice(-shared)) {
      result += '/'.repeat(shorter) + replacement + (tail ?? '');
    } else if (shorter > 7) {
      result += replacement + tail + whole.slice(replacement.length + (tail?.length ?? 0));
    } else return 'cannot-shrink-string';
    end = match.index + whole.length;
  }
  return latin1(result + input.slice(end));
}

function changesOf(mapping: PrefixMapping): readonly (readonly [string, string])[] {
  return mapping
    .map(([from, to]) => [toLatin1(from), toLatin1(to)] as const)
    .filter(([from, to]) => from !== to);
}

function alternation(changes: readonly (readonly [string, string])[]): string {
  return changes
    .map(([from]) => from.replace(/[^\w]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`))
    .join('|');
}
