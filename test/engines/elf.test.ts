// ELF patching in every engine: against what Spack's functions did to good and broken files, and against hostile ones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { applyEdits, type ByteSource, type Edit, sourceOfBytes } from '../../src/core/byte-source.js';
import { toLatin1 } from '../../src/core/bytes.js';
import { BuildcacheError, RelocationError } from '../../src/core/errors.js';
import type { ElfPatcher, RelocationEngine } from '../../src/relocation/engine.js';
import { dropMissingRpaths } from '../../src/relocation/names/missing-rpaths.js';
import { buildElf, type ElfOptions } from '../helpers/elf-builder.js';
import { decodeMapping, type EncodedMapping, fromBase64, loadVectors } from '../helpers/vectors.js';
import { ENGINES, mappingOf } from './engines.js';

interface Difference {
  readonly grow?: string;
  readonly same?: boolean;
  readonly offset?: number;
  readonly bytes?: string;
}

interface ElfVector {
  readonly name: string;
  readonly base: number;
  readonly writes: readonly (readonly [number, string])[];
  readonly size: number;
  readonly replace: Difference;
  readonly drop: Difference;
}

const [HEAD, BASES, ...VECTORS] = loadVectors<unknown>('elf.json') as unknown as readonly [
  { readonly mapping: EncodedMapping },
  { readonly bases: readonly string[] },
  ...ElfVector[],
];
const VECTOR_MAPPING = decodeMapping(HEAD.mapping);

function vectorBytes(vector: ElfVector): Buffer {
  const bytes = Buffer.from(fromBase64(BASES.bases[vector.base] ?? ''));
  for (const [at, value] of vector.writes) bytes.set(fromBase64(value), at);
  return bytes.subarray(0, vector.size);
}

/** What edits do, in the form of the vectors. */
function differenceOf(bytes: Uint8Array, edits: () => readonly Edit[]): Difference {
  const changed = Buffer.from(bytes);
  let list: readonly Edit[];
  try {
    list = edits();
  } catch (error) {
    assert.ok(error instanceof RelocationError);
    assert.equal(error.code, 'cannot-grow-rpath');
    return { grow: Buffer.from(String(error.data.newValue), 'latin1').toString('base64') };
  }
  if (list.length === 0) return {};
  applyEdits(changed, list);
  const places = [...changed.keys()].filter((i) => changed[i] !== bytes[i]);
  const [first, last] = [places[0], places.at(-1)];
  if (first === undefined || last === undefined) return { same: true };
  return { offset: first, bytes: changed.subarray(first, last + 1).toString('base64') };
}

const MAPPING = mappingOf([
  ['/old/store/zlib', '/n/zlib'],
  ['/keep', '/keep'],
  ['/old/store', '/new'],
]);

function patcherOf(engine: RelocationEngine, rewriteInterpreter = false): ElfPatcher {
  return engine.createElfPatcher(MAPPING, { rewriteInterpreter });
}

/** The strings after patching, NULs included. */
function patch(engine: RelocationEngine, options: ElfOptions, rewriteInterpreter = false) {
  const { bytes, rpathOffset, interpreterOffset } = buildElf(options);
  const changed = Buffer.from(bytes);
  applyEdits(changed, patcherOf(engine, rewriteInterpreter).patch(sourceOfBytes(bytes)));
  const rpathLength = options.rpath?.length ?? 0;
  const interpreterLength = options.interpreter?.length ?? 0;
  return {
    rpath: toLatin1(changed.subarray(rpathOffset, rpathOffset + rpathLength)),
    interpreter: toLatin1(changed.subarray(interpreterOffset, interpreterOffset + interpreterLength)),
  };
}

/** Whatever the bytes are: a list of edits inside the file, or a coded error. */
function patchHostile(engine: RelocationEngine, bytes: Uint8Array): readonly Edit[] | string {
  try {
    const edits = patcherOf(engine, true).patch(sourceOfBytes(bytes));
    for (const edit of edits) {
      assert.ok(
        edit.offset >= 0 && edit.offset + edit.bytes.length <= bytes.length,
        'an edit leaves the file',
      );
    }
    return edits.map(({ offset, bytes: value }) => ({ offset, bytes: Buffer.from(value) }));
  } catch (error) {
    assert.ok(error instanceof BuildcacheError, String(error));
    return error.code;
  }
}

/** A source that counts, and never holds more than the file's first and last bytes: everything between is zero. */
function sparseSource(head: Uint8Array, size: number): ByteSource & { bytesRead: number } {
  return {
    size,
    bytesRead: 0,
    read(offset, length) {
      assert.ok(offset >= 0 && length >= 0 && Number.isSafeInteger(offset));
      const result = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      result.set(head.subarray(offset, offset + result.length));
      this.bytesRead += result.length;
      return result;
    },
  };
}

const KINDS: readonly ElfOptions[] = [
  { class: 64, byteOrder: 'little' },
  { class: 64, byteOrder: 'big' },
  { class: 32, byteOrder: 'little' },
  { class: 32, byteOrder: 'big' },
];

for (const engine of ENGINES) {
  describe(`ELF patch, ${engine.name}`, () => {
    it(`does what Spack does (${VECTORS.length} vectors)`, () => {
      const patcher = engine.createElfPatcher(VECTOR_MAPPING, { rewriteInterpreter: false });
      for (const vector of VECTORS) {
        const bytes = vectorBytes(vector);
        const result = differenceOf(bytes, () => patcher.patch(sourceOfBytes(bytes)));
        assert.deepEqual(result, vector.replace, vector.name);
      }
    });

    for (const kind of KINDS) {
      it(`rewrites the rpath of a ${kind.class} bit ${kind.byteOrder} endian file in place`, () => {
        const rpath = ':/old/store/zlib/lib:/usr/lib::/old/store/x:';
        const expected = '/n/zlib/lib:/usr/lib:/new/x';
        for (const rpathTag of ['DT_RPATH', 'DT_RUNPATH'] as const) {
          const result = patch(engine, { ...kind, rpath, rpathTag });
          assert.equal(result.rpath, expected.padEnd(rpath.length, '\0'));
        }
      });

      it(`rewrites the interpreter of a ${kind.class} bit ${kind.byteOrder} endian file only when asked`, () => {
        const options = { ...kind, rpath: '/old/store/zlib', interpreter: '/old/store/lib/ld.so' };
        assert.deepEqual(patch(engine, options), {
          rpath: '/n/zlib\0\0\0\0\0\0\0\0',
          interpreter: options.interpreter,
        });
        assert.deepEqual(patch(engine, options, true), {
          rpath: '/n/zlib\0\0\0\0\0\0\0\0',
          interpreter: '/new/lib/ld.so\0\0\0\0\0\0',
        });
      });
    }

    it('rewrites the interpreter of a file without an rpath or a dynamic section that it could use', () => {
      const interpreter = '/old/store/lib/ld.so';
      assert.equal(patch(engine, { interpreter }, true).interpreter, '/new/lib/ld.so\0\0\0\0\0\0');
      assert.equal(patch(engine, { interpreter, withSections: false }, true).interpreter, interpreter);
    });

    it('writes both strings or neither', () => {
      const rpath = '/old/store/lib';
      const { bytes } = buildElf({ rpath, interpreter: '/old/ld.so' });
      const patcher = engine.createElfPatcher(
        mappingOf([
          ['/old/store', '/n'],
          ['/old', '/much/longer'],
        ]),
        { rewriteInterpreter: true },
      );
      assert.throws(
        () => patcher.patch(sourceOfBytes(bytes)),
        (error) =>
          error instanceof RelocationError &&
          error.code === 'cannot-grow-rpath' &&
          error.data.what === 'interpreter',
      );
    });

    it('edits a file whose rpath maps to itself: it drops empty entries', () => {
      assert.equal(patch(engine, { rpath: '/keep::/keep/x' }).rpath, '/keep:/keep/x\0');
      const { bytes } = buildElf({ rpath: '/keep' });
      assert.equal(patcherOf(engine).patch(sourceOfBytes(bytes)).length, 1);
    });

    it('does not rely on a view after the next read', () => {
      const { bytes } = buildElf({ rpath: '/old/store/lib', interpreter: '/old/store/ld.so', soname: 'x' });
      const scratch = Buffer.alloc(256 * 1024);
      const source: ByteSource = {
        size: bytes.length,
        read(offset, length) {
          scratch.fill(0xee);
          return scratch.subarray(0, Buffer.from(bytes).copy(scratch, 0, offset, offset + length));
        },
      };
      assert.deepEqual(
        patcherOf(engine, true).patch(source),
        patcherOf(engine, true).patch(sourceOfBytes(bytes)),
      );
    });

    it('leaves what is no ELF file', () => {
      for (const text of ['', '\x7fEL', '\x7fELF', '#!/bin/sh\n', '\x7fELF\x02\x01'.padEnd(64, '\0')]) {
        assert.deepEqual(patcherOf(engine).patch(sourceOfBytes(Buffer.from(text, 'latin1'))), []);
      }
    });

    it('takes a file that is cut off at any byte', () => {
      for (const kind of KINDS) {
        const { bytes } = buildElf({
          ...kind,
          rpath: '/old/store/lib',
          interpreter: '/old/store/ld.so',
          soname: 'x',
        });
        // The last section header describes nothing that is needed.
        const neededSize = bytes.length - (kind.class === 64 ? 64 : 40);
        for (let size = 0; size < bytes.length; size++) {
          const edits = patchHostile(engine, bytes.subarray(0, size));
          assert.equal(edits.length, size < neededSize ? 0 : 2);
        }
        assert.equal(patchHostile(engine, bytes).length, 2);
      }
    });

    it('takes every byte of a file set to 0, 1, 127, 128 and 255', () => {
      for (const kind of KINDS) {
        const { bytes } = buildElf({ ...kind, rpath: '/old/store/lib', interpreter: '/old/store/ld.so' });
        for (let at = 0; at < bytes.length; at++) {
          for (const value of [0, 1, 127, 128, 255]) {
            const changed = Buffer.from(bytes);
            changed[at] = value;
            patchHostile(engine, changed);
          }
        }
      }
    });

    it('asks for little of a huge file with hostile counts', () => {
      const { bytes } = buildElf({ rpath: '/old/store/lib', extraDynamic: [[29, 0xffff_ffff_ffff]] });
      const hostile = Buffer.from(bytes);
      hostile.writeBigUInt64LE(2n ** 63n, 32);
      assert.deepEqual(patcherOf(engine).patch(sparseSource(hostile, Number.MAX_SAFE_INTEGER)), []);
      hostile.writeBigUInt64LE(64n, 32);
      hostile.writeUInt16LE(0xffff, 56);
      const source = sparseSource(hostile, 8 * 1024 * 1024 * 1024);
      patcherOf(engine).patch(source);
      assert.ok(source.bytesRead < 16 * 1024 * 1024);
    });
  });
}

/** Every engine does to a file what the first one does. */
function assertAgreed(bytes: Uint8Array): void {
  const [first, ...others] = ENGINES.map((engine) => patchHostile(engine, bytes));
  for (const other of others) assert.deepEqual(other, first);
}

describe('ELF patch, all engines', () => {
  it('agree on random damage', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 3, 8, 64, 127, 128, 254, 255)), {
      minLength: 1,
      maxLength: 6,
    });
    const property = fc.property(fc.constantFrom(...KINDS), damage, fc.nat(3), (kind, writes, cut) => {
      const { bytes } = buildElf({ ...kind, rpath: '/old/store/lib:/x', interpreter: '/old/store/ld.so' });
      const changed = Buffer.from(bytes).subarray(0, bytes.length - (cut === 0 ? 40 : 0));
      for (const [at, value] of writes) changed[at % changed.length] = value;
      assertAgreed(changed);
    });
    fc.assert(property, { seed: 19, numRuns: 3000 });
  });

  it('agree on a real program and on random damage to its tables', {
    skip: process.platform !== 'linux' && 'needs an ELF program',
  }, () => {
    const program = readFileSync('/bin/sh').subarray(0, 4 * 1024 * 1024);
    assertAgreed(program);
    const property = fc.property(fc.nat(4096), fc.nat(255), fc.nat(program.length), (at, value, cut) => {
      const changed = Buffer.from(program.subarray(0, cut % 3 === 0 ? cut : program.length));
      if (at < changed.length) changed[at] = value;
      assertAgreed(changed);
    });
    fc.assert(property, { seed: 23, numRuns: 150 });
  });
});

describe('dropMissingRpaths', () => {
  it(`does what Spack's hook does (${VECTORS.length} vectors)`, () => {
    // In the vectors only "/" exists.
    const exists = (path: Uint8Array) => toLatin1(path) === '/';
    for (const vector of VECTORS) {
      const bytes = vectorBytes(vector);
      const result = differenceOf(bytes, () => {
        const edit = dropMissingRpaths(sourceOfBytes(bytes), exists);
        return edit === undefined ? [] : [edit];
      });
      assert.deepEqual(result, vector.drop, vector.name);
    }
  });

  it('keeps what begins with $ or is there, and the tag', () => {
    const rpath = '$ORIGIN/../lib::/there:/gone:relative:/there';
    const { bytes, rpathOffset } = buildElf({ rpath });
    const asked: string[] = [];
    const edit = dropMissingRpaths(sourceOfBytes(bytes), (path) => {
      asked.push(toLatin1(path));
      return toLatin1(path) === '/there';
    });
    assert.ok(edit);
    assert.equal(edit.offset, rpathOffset);
    assert.equal(toLatin1(edit.bytes), '$ORIGIN/../lib:/there:/there'.padEnd(rpath.length, '\0'));
    assert.deepEqual(asked, ['/there', '/gone', '/there']);
  });
});
