// Calls of the relocation kernels, and of what Node brings for the same work.
import { createHash } from 'node:crypto';
import { sourceOfBytes } from '../../src/core/byte-source.js';
import type { RelocationEngine } from '../../src/relocation/engine.js';
import { findRoots } from '../../src/relocation/prefixes/prefix-roots.js';
import type { KernelInput } from '../inputs/case-input.js';
import { ELF_SIZE } from '../inputs/kernel-input.js';
import type { KernelCall } from './kernel.js';

export function scanCall(engine: RelocationEngine, { bytes, mapping }: KernelInput): KernelCall {
  const scanner = engine.createScanner(mapping.map(([from]) => from));
  let hits = new Uint32Array();
  return {
    run: () => {
      hits = new Uint32Array(scanner.scan(bytes));
    },
    result: () => new Uint8Array(hits.buffer, hits.byteOffset, hits.byteLength),
  };
}

export function indexOfCall({ bytes, mapping }: KernelInput): KernelCall {
  const roots = findRoots(mapping.map(([from]) => from));
  let count = 0;
  return {
    run: () => {
      count = 0;
      for (const root of roots) {
        for (let at = bytes.indexOf(root); at >= 0; at = bytes.indexOf(root, at + 1)) count++;
      }
    },
    result: () => String(count),
  };
}

export function textCall(engine: RelocationEngine, { bytes, mapping }: KernelInput): KernelCall {
  const replacer = engine.createTextReplacer(mapping);
  let replaced: Uint8Array | undefined;
  return {
    run: () => {
      replaced = replacer.replace(bytes);
    },
    result: () => replaced ?? 'nothing',
  };
}

export function replaceAllCall({ bytes, mapping }: KernelInput): KernelCall {
  const literals = mapping.map(([from]) => `${from}`.replaceAll(/[^\w/]/g, '\\$&'));
  const pattern = new RegExp(literals.join('|'), 'g');
  const targets = new Map(mapping.map(([from, to]) => [`${from}`, `${to}`]));
  let text = '';
  return {
    run: () => {
      text = bytes.toString('latin1').replace(pattern, (prefix) => targets.get(prefix) ?? prefix);
    },
    result: () => text,
  };
}

export function cStringCall(engine: RelocationEngine, { bytes, mapping }: KernelInput): KernelCall {
  const replacer = engine.createCStringReplacer(mapping);
  const work = Buffer.from(bytes);
  return {
    restore: () => bytes.copy(work),
    run: () => replacer.replace(work, { start: 0, isLast: true }),
    result: () => work,
  };
}

/** Like a file that is read by windows, as relocation reads it: none of them lies in the memory of an engine. */
export function windowedCStringCall(engine: RelocationEngine, { bytes, mapping }: KernelInput): KernelCall {
  const replacer = engine.createCStringReplacer(mapping);
  const work = Buffer.from(bytes);
  const memory = new Uint8Array(FILE_WINDOW);
  return {
    restore: () => bytes.copy(work),
    run: () => {
      for (let offset = 0; ; ) {
        const window = memory.subarray(0, work.length - offset);
        window.set(work.subarray(offset, offset + window.length));
        const isLast = offset + window.length === work.length;
        const { next, replaced } = replacer.replace(window, { start: 0, isLast });
        if (replaced > 0) work.set(window, offset);
        if (isLast) return;
        offset += next;
      }
    },
    result: () => work,
  };
}

/** As large as those of relocation. */
const FILE_WINDOW = 1 << 20;

export function elfCall(engine: RelocationEngine, { bytes, mapping }: KernelInput): KernelCall {
  const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter: false });
  const edits: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  return {
    run: () => {
      edits.length = 0;
      for (let at = 0; at < bytes.length; at += ELF_SIZE) {
        for (const edit of patcher.patch(sourceOfBytes(bytes.subarray(at, at + ELF_SIZE))))
          edits.push({ at: at + edit.offset, bytes: edit.bytes });
      }
    },
    result: () => {
      const patched = Buffer.from(bytes);
      for (const edit of edits) patched.set(edit.bytes, edit.at);
      return patched;
    },
  };
}

export function sha256Call({ bytes }: KernelInput): KernelCall {
  let digest = '';
  return {
    run: () => {
      digest = createHash('sha256').update(bytes).digest('hex');
    },
    result: () => digest,
  };
}

export function webCryptoCall({ bytes }: KernelInput): KernelCall {
  let digest = '';
  return {
    run: async () => {
      digest = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('hex');
    },
    result: () => digest,
  };
}
