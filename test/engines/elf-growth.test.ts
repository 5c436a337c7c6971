// ELF growth in every engine: each does to good, damaged and hostile files what the `js` engine does, or refuses them with the same facts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readElf } from '../../src/binfmt/elf/elf.js';
import { readElfTables } from '../../src/binfmt/elf/elf-tables.js';
import { type ByteSource, sourceOfBytes } from '../../src/core/byte-source.js';
import { EMPTY_BYTES, toLatin1 } from '../../src/core/bytes.js';
import type { PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';
import { JsEngine } from '../../src/relocation/engines/js.js';
import {
  binaryFixture,
  ELF_FILES,
  ELF_MAPPINGS,
  elfSpecimens,
  fuzzElf,
  fuzzRpath,
  latin1Mapping,
} from '../helpers/binary-fuzz.js';
import { buildElf, type ElfOptions } from '../helpers/elf-builder.js';
import {
  withLargeSections,
  withNeededVersions,
  withString,
  withSymbolsInStrings,
  withSymbolTables,
} from '../helpers/elf-hostile.js';
import { assertSameOutcome, type Outcome, outcomeOf } from '../helpers/patch-outcome.js';
import { ENGINES } from './engines.js';

const JS = new JsEngine();
const OTHERS = ENGINES.filter(({ name }) => name !== 'js');
const OLD = '/old/store/greet';
const NEW = '/a/much/longer/root/of/another/store/greet';
const GROWING = latin1Mapping([[OLD, NEW]]);

function patch(
  engine: RelocationEngine,
  bytes: Uint8Array,
  mapping: PrefixMapping,
  rewriteInterpreter = true,
): Outcome {
  const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter });
  return outcomeOf(bytes, () => patcher.patch(sourceOfBytes(bytes)));
}

/** The bytes of a file after growth, which must be possible. */
function grown(engine: RelocationEngine, bytes: Uint8Array): Buffer {
  const outcome = patch(engine, bytes, GROWING);
  assert.ok(!('code' in outcome) && outcome.size > bytes.length);
  return outcome.bytes;
}

/** A file that goes on with zeros. */
function padded(bytes: Buffer, size: number): ByteSource {
  return {
    size,
    read(offset, length) {
      const result = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
      bytes.copy(result, 0, offset, offset + result.length);
      return result;
    },
  };
}

/** Files with more of something than any linker writes, and why they are refused. */
function exhausting(): readonly (readonly [problem: string, ByteSource, PrefixMapping])[] {
  const library = grown(JS, binaryFixture('libgreet.so.1'));
  const again = latin1Mapping([[NEW, `${NEW}/and/longer`]]);
  const long = withString(library, 'x'.repeat(70_000));
  // A few megabytes of which every end is another path: 130 of them.
  const text = NEW.repeat(95);
  const paths = withString(library, Array.from({ length: 700 }, (_, i) => text + (1000 + i)).join('\0'));
  const suffixes = Array.from({ length: 700 * 95 }, (_, i) => {
    const start = Math.floor(i / 95) * (text.length + 5);
    return paths.at + start + (i % 95) * NEW.length;
  });
  const size = 50 << 20;
  return [
    ['its sections overlap', sourceOfBytes(withSymbolTables(library, 20)), again],
    ['its sections are too large', padded(withLargeSections(library, size), size), again],
    ['it has too many names', sourceOfBytes(withNeededVersions(library, Array(131_072).fill(1))), again],
    ['a name in it is too long', sourceOfBytes(withNeededVersions(long.bytes, [long.at])), again],
    ['its string table would be too large', sourceOfBytes(withNeededVersions(paths.bytes, suffixes)), again],
    [
      'its new rpath is too long',
      sourceOfBytes(buildElf({ rpath: '/o:'.repeat(200_000) }).bytes),
      latin1Mapping([['/o', '/much/longer']]),
    ],
  ];
}

/** The file with its interpreter in 2 MiB of their own. */
function withInterpreterAtEnd(good: Buffer): { readonly bytes: Buffer; readonly segmentAt: number } {
  const tables = readElfTables(sourceOfBytes(good));
  assert.ok(!('problem' in tables));
  const segment = tables.segments.find(({ type }) => type === 3);
  assert.ok(segment);
  const interpreter = Buffer.alloc(2 << 20);
  interpreter.set(good.subarray(Number(segment.offset), Number(segment.offset + segment.filesz)));
  const bytes = Buffer.concat([good, interpreter]);
  const segmentAt = Number(tables.programHeaders.offset) + tables.segments.indexOf(segment) * 56;
  bytes.writeBigUInt64LE(BigInt(good.length), segmentAt + 8);
  bytes.writeBigUInt64LE(BigInt(interpreter.length), segmentAt + 32);
  return { bytes, segmentAt };
}

const KINDS: readonly ElfOptions[] = [
  { class: 64, byteOrder: 'little' },
  { class: 64, byteOrder: 'big' },
  { class: 32, byteOrder: 'little' },
  { class: 32, byteOrder: 'big' },
];

for (const engine of ENGINES) {
  describe(`ELF growth, ${engine.name}`, () => {
    for (const name of ELF_FILES) {
      it(`gives ${name} a longer rpath, and leaves nothing of the old one`, () => {
        const bytes = grown(engine, binaryFixture(name));
        const elf = readElf(sourceOfBytes(bytes));
        assert.equal(elf?.rpath && toLatin1(elf.rpath.value), `${NEW}/lib`);
        assert.ok(!bytes.includes(OLD));
      });
    }

    it('refuses a file of which nobody knows which strings are in use', () => {
      for (const kind of KINDS) {
        const { bytes } = buildElf({ ...kind, rpath: `${OLD}/lib` });
        const outcome = patch(engine, bytes, GROWING);
        assert.ok('code' in outcome);
        assert.equal(outcome.code, 'cannot-grow-rpath');
        assert.equal(outcome.data.oldValue, `${OLD}/lib`);
        assert.equal(outcome.data.newValue, `${NEW}/lib`);
      }
    });

    it('refuses files that would exhaust it', () => {
      for (const [problem, source, mapping] of exhausting()) {
        const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter: true });
        const outcome = outcomeOf(EMPTY_BYTES, () => patcher.patch(source));
        assert.ok('code' in outcome, problem);
        assert.deepEqual([outcome.code, outcome.data.problem], ['cannot-grow-rpath', problem]);
      }
    });

    it('moves symbols with their section, as long as they are not too many', () => {
      const good = grown(JS, binaryFixture('libgreet.so.1'));
      const { bytes, valueAt } = withSymbolsInStrings(good, 4200);
      const outcome = patch(engine, bytes, latin1Mapping([[NEW, `${NEW}/and/longer`]]));
      assert.ok(!('code' in outcome));
      const hasMoved = (index: number) =>
        outcome.bytes.readBigUInt64LE(valueAt(index)) !== bytes.readBigUInt64LE(valueAt(index));
      assert.deepEqual([0, 4000, 4199].map(hasMoved), [true, true, false]);
    });

    it('refuses an interpreter whose segment is larger than any path', () => {
      const { bytes, segmentAt } = withInterpreterAtEnd(binaryFixture('hello-pie'));
      const shorter = latin1Mapping([['/lib64/ld', '/l']]);
      const longer = latin1Mapping([['/lib64/ld', '/lib64/ld/longer']]);
      assert.ok(!('code' in patch(engine, bytes, shorter)));
      const outcome = patch(engine, bytes, longer);
      assert.ok('code' in outcome);
      assert.deepEqual(
        [outcome.data.what, outcome.data.problem],
        ['interpreter', 'its interpreter is too large'],
      );
      bytes.writeBigUInt64LE(BigInt((1 << 20) + 1), segmentAt + 32);
      assert.ok(!('code' in patch(engine, bytes, longer)));
    });

    it('keeps an edit after the next file was patched', () => {
      const bytes = binaryFixture('hello-pie');
      const patcher = engine.createElfPatcher(GROWING, { rewriteInterpreter: true });
      const edits = patcher.patch(sourceOfBytes(bytes));
      const copies = edits.map((edit) => Buffer.from(edit.bytes));
      for (const name of ELF_FILES) patcher.patch(sourceOfBytes(binaryFixture(name)));
      assert.deepEqual(
        edits.map((edit) => Buffer.from(edit.bytes)),
        copies,
      );
    });

    it('lets the error of a source through, and works on afterwards', () => {
      const bytes = binaryFixture('libgreet.so.1');
      const patcher = engine.createElfPatcher(GROWING, { rewriteInterpreter: true });
      const failure = new Error('the disk is gone');
      for (let good = 0; good < 12; good++) {
        let left = good;
        const source: ByteSource = {
          size: bytes.length,
          read(offset, length) {
            if (left-- <= 0) throw failure;
            return bytes.subarray(offset, offset + length);
          },
        };
        try {
          patcher.patch(source);
        } catch (error) {
          assert.equal(error, failure);
        }
      }
      assert.ok(grown(engine, bytes).includes(NEW));
    });
  });
}

describe('ELF growth, all engines', { skip: OTHERS.length === 0 && 'there is one engine' }, () => {
  for (const name of ELF_FILES) {
    it(`agree on ${name} under every mapping, and on what it became`, () => {
      const once = grown(JS, binaryFixture(name));
      for (const bytes of [binaryFixture(name), once]) {
        for (const mapping of [...ELF_MAPPINGS, latin1Mapping([[NEW, `${NEW}/and/longer`]])]) {
          for (const rewriteInterpreter of [true, false]) {
            const expected = patch(JS, bytes, mapping, rewriteInterpreter);
            for (const engine of OTHERS)
              assertSameOutcome(patch(engine, bytes, mapping, rewriteInterpreter), expected, engine.name);
          }
        }
      }
    });
  }

  it('agree on a file that is cut off at any byte', () => {
    for (const name of ['libplain-32-big.so', 'libplain-64-big.so', 'hello-lld']) {
      const bytes = binaryFixture(name);
      for (let size = 0; size < bytes.length; size++) {
        const part = bytes.subarray(0, size);
        const expected = patch(JS, part, GROWING);
        for (const engine of OTHERS)
          assertSameOutcome(patch(engine, part, GROWING), expected, `${engine.name}: ${name}, ${size} bytes`);
      }
    }
  });

  it('agree on rpaths, relative and other', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 2000; seed++) seen.add(fuzzRpath([JS, ...OTHERS], seed));
    for (const kind of ['edited', 'unchanged']) assert.ok(seen.has(kind), kind);
  });

  it('agree on damaged files', () => {
    const specimens = elfSpecimens();
    const seen = new Set<string>();
    for (let seed = 0; seed < 6000; seed++) seen.add(fuzzElf([JS, ...OTHERS], specimens, seed));
    for (const kind of ['grown', 'edited', 'unchanged']) assert.ok(seen.has(kind), kind);
    // Damage must not end at the first check.
    assert.ok(seen.size > 12, [...seen].join('\n'));
  });
});
