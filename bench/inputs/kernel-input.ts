// Inputs of the kernels, in memory and seeded: typical ones, and hard ones for a scanner.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { PrefixMapping } from '../../src/relocation/engine.js';
import { buildElf } from '../../test/helpers/elf-builder.js';
import { naiveCStrings, naiveRpath, naiveScan, naiveText, type TextMapping } from '../oracle/naive-rules.js';
import type { KernelInput } from './case-input.js';
import { headerText, machineCode, SeededRandom } from './material.js';
import { OLD_ROOT } from './package-archive.js';

const NEW_ROOT = '/home/someone/store';
const MB = 1_000_000;

/** Prefixes of `count` packages under the padded root, and their new ones. */
export function prefixMapping(
  count: number,
  { root = OLD_ROOT }: { readonly root?: string } = {},
): PrefixMapping {
  return Array.from({ length: count }, (_, i) => {
    const name = `linux-debian12-x86_64/gcc-12.2.0/package${i}-1.0-${`${i}`.padStart(32, 'abcdefghij')}`;
    return [Buffer.from(`${root}/${name}`), Buffer.from(`${NEW_ROOT}/${name}`)] as const;
  });
}

export interface ScatterOptions {
  readonly megabytes: number;
  readonly mapping: PrefixMapping;
  /** Approximate bytes from one path to the next. */
  readonly distance: number;
}

/** Machine code with a NUL-terminated path every so often. */
export function codeInput({ megabytes, mapping, distance }: ScatterOptions): KernelInput {
  const random = new SeededRandom(7);
  const code = machineCode(megabytes * MB);
  const bytes = Buffer.from(code);
  const longest = Math.max(...mapping.map(([from]) => from.length));
  for (let at = distance; at + longest + 64 < bytes.length; at += distance + random.below(distance)) {
    const [prefix] = mapping[random.below(mapping.length)] ?? [];
    if (prefix !== undefined) at += bytes.write(`${prefix}/lib/file.so\0`, at, 'latin1');
  }
  return { bytes, mapping };
}

/** Machine code in which no prefix occurs. */
export function noMatchInput(megabytes: number, mapping: PrefixMapping): KernelInput {
  return { bytes: Buffer.from(machineCode(megabytes * MB)), mapping };
}

/** Nothing but prefixes, one after another. */
export function everywhereInput(megabytes: number, mapping: PrefixMapping): KernelInput {
  return { bytes: Buffer.alloc(megabytes * MB, `${mapping[0]?.[0] ?? ''}\0`, 'latin1'), mapping };
}

/** The common root over and over, never followed by the rest of a prefix. */
export function sharedStemInput(megabytes: number, mapping: PrefixMapping): KernelInput {
  return {
    bytes: Buffer.alloc(megabytes * MB, `${OLD_ROOT}/linux-debian12-x86_64/gcc-9`, 'latin1'),
    mapping,
  };
}

/** Nothing but padding: almost every byte looks like the start of the root. */
export function paddingInput(megabytes: number, mapping: PrefixMapping): KernelInput {
  return { bytes: Buffer.alloc(megabytes * MB, '/build/opt/__spack_path_placeholder__', 'latin1'), mapping };
}

/** Text like that of headers, with a path every few lines. */
export function textInput(megabytes: number, mapping: PrefixMapping): KernelInput {
  const random = new SeededRandom(8);
  const parts: string[] = [];
  for (let size = 0; size < megabytes * MB; size += 2000) {
    const [prefix] = mapping[random.below(mapping.length)] ?? [];
    parts.push(headerText(random, 1800), `#include "${prefix}/include/header.h"`);
  }
  return { bytes: Buffer.from(parts.join('\n')), mapping };
}

/** Shared libraries one after another, each padded to 8 KiB, with rpaths under the old root. */
export function elfInput(count: number, mapping: PrefixMapping): KernelInput {
  const random = new SeededRandom(9);
  const bytes = Buffer.alloc(count * ELF_SIZE);
  for (let i = 0; i < count; i++) {
    const paths = Array.from({ length: 5 }, () => `${mapping[random.below(mapping.length)]?.[0] ?? ''}/lib`);
    bytes.set(buildElf({ rpath: paths.join(':'), needed: ['libm.so.6', 'libc.so.6'] }).bytes, i * ELF_SIZE);
  }
  return { bytes, mapping };
}

/** An input whose result is known by the naive rules. */
export function expecting(
  input: KernelInput,
  find: (input: KernelInput) => Uint8Array | string,
): KernelInput {
  return { ...input, expected: { results: createHash('sha256').update(find(input)).digest('hex') } };
}

/** Every place of a prefix, in the form that scanners report. */
export function expectedHits({ bytes, mapping }: KernelInput): Uint8Array {
  return new Uint8Array(
    naiveScan(
      bytes,
      mapping.map(([from]) => from),
    ).buffer,
  );
}

export function expectedText({ bytes, mapping }: KernelInput): Uint8Array {
  return Buffer.from(naiveText(bytes.toString('latin1'), textMapping(mapping)), 'latin1');
}

export function expectedCStrings({ bytes, mapping }: KernelInput): Uint8Array {
  return Buffer.from(naiveCStrings(bytes.toString('latin1'), textMapping(mapping)), 'latin1');
}

/** Rpaths of the files that `elfInput` creates. */
export function expectedElf({ bytes, mapping }: KernelInput): Uint8Array {
  const result = Buffer.from(bytes);
  for (let at = 0; at < bytes.length; at += ELF_SIZE) {
    const text = bytes.toString('latin1', at, at + ELF_SIZE);
    result.write(naiveRpath(text, OLD_ROOT, textMapping(mapping)), at, 'latin1');
  }
  return result;
}

function textMapping(mapping: PrefixMapping): TextMapping {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  return mapping.map(([from, to]) => [text(from), text(to)]);
}

/** Distance between the files of `elfInput`. */
export const ELF_SIZE = 8192;

/** Bytes compressed with gzip -6. */
export function gzipInput(bytes: Buffer): KernelInput {
  const expected = { bytes: createHash('sha256').update(bytes).digest('hex') };
  return { bytes: gzipSync(bytes, { level: 6 }), mapping: [], unpackedBytes: bytes.length, expected };
}

/** Bytes that cannot be compressed. */
export function noise(megabytes: number): Buffer {
  const random = new SeededRandom(10);
  const bytes = Buffer.alloc(megabytes * MB);
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at);
  return bytes;
}

/** An archive of many small files, as in packages. */
export async function tarInput(files: number): Promise<KernelInput> {
  const archive = pack();
  const { bytes } = textInput(1, prefixMapping(1));
  let total = 0;
  for (let i = 0; i < files; i++) {
    const size = 100 + ((i * 7919) % 12_000);
    total += size;
    archive.entry({ name: `package/include/header${i}.h`, mode: 0o644 }, bytes.subarray(0, size));
  }
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return expecting({ bytes: Buffer.concat(parts), mapping: [] }, () => `${files} entries, ${total} bytes`);
}
