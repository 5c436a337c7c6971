// Mach-O patching and signing in every engine: each does to good, damaged and hostile files what the `js` engine does, or refuses them
// with the same facts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCodeSignature } from '../../src/binfmt/macho/codesign.js';
import { readMacho } from '../../src/binfmt/macho/macho.js';
import { applyEdits, sourceOfBytes } from '../../src/core/byte-source.js';
import { toLatin1 } from '../../src/core/bytes.js';
import type { PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';
import { JsEngine } from '../../src/relocation/engines/js.js';
import { fuzzMacho, fuzzNames, latin1Mapping, machoSpecimens } from '../helpers/binary-fuzz.js';
import {
  fatMacho,
  MACHO_FILES,
  MACHO_LIBRARIES,
  machoFixture,
  withSignature,
} from '../helpers/macho-builder.js';
import { assertSameOutcome, type Outcome, outcomeOf } from '../helpers/patch-outcome.js';
import { ENGINES } from './engines.js';

const JS = new JsEngine();
const OTHERS = ENGINES.filter(({ name }) => name !== 'js');
const SHORTER = latin1Mapping([['/old/store', '/n']]);
const IDENTITY = { replaceIdentity: false };

function patch(engine: RelocationEngine, bytes: Uint8Array, mapping: PrefixMapping): Outcome {
  return outcomeOf(bytes, () => engine.createMachoPatcher(mapping, IDENTITY).patch(sourceOfBytes(bytes)));
}

function resign(engine: RelocationEngine, bytes: Uint8Array, replaceIdentity: boolean): Outcome {
  const patcher = engine.createMachoPatcher(SHORTER, { replaceIdentity });
  return outcomeOf(bytes, () => patcher.resign(sourceOfBytes(bytes)));
}

function changedBytes(outcome: Outcome): Buffer {
  assert.ok(!('code' in outcome));
  return outcome.bytes;
}

function namesOf(bytes: Uint8Array): readonly string[] {
  const file = readMacho(sourceOfBytes(bytes));
  assert.ok(file && !('problem' in file));
  return file.slices.flatMap(({ names }) => names.map(({ value }) => toLatin1(value)));
}

function isAdHoc(bytes: Uint8Array): boolean {
  const file = readMacho(sourceOfBytes(bytes));
  const [slice] = file && !('problem' in file) ? file.slices : [];
  assert.ok(slice);
  const signature = readCodeSignature(sourceOfBytes(bytes), slice);
  assert.ok(signature && !('problem' in signature));
  return signature.isAdHoc;
}

for (const engine of ENGINES) {
  describe(`Mach-O patch, ${engine.name}`, () => {
    it('replaces names in every slice', () => {
      const fat = fatMacho(MACHO_LIBRARIES.map(machoFixture));
      for (const bytes of [machoFixture('libgreet-arm64.dylib'), fat]) {
        const names = namesOf(changedBytes(patch(engine, bytes, SHORTER)));
        assert.equal(names.length, namesOf(bytes).length);
        assert.ok(names.includes('/n/greet/lib/libgreet.dylib'));
        assert.ok(!names.some((name) => name.startsWith('/old')));
      }
    });

    it('says how much room is missing', () => {
      const longer = latin1Mapping([['/old/store/greet', `/${'longer/'.repeat(40)}greet`]]);
      const outcome = patch(engine, machoFixture('hello-macho'), longer);
      assert.ok('code' in outcome);
      assert.equal(outcome.code, 'macho-no-room');
      assert.ok(Number(outcome.data.missing) > 0);
      assert.equal(outcome.data.sliceOffset, 0);
    });

    it('refuses 32 bit and big-endian files, naming which', () => {
      for (const [magic, form] of [
        [0xcefaedfe, '32 bit'],
        [0xfeedface, '32 bit, big-endian'],
        [0xfeedfacf, 'big-endian'],
      ] as const) {
        const bytes = Buffer.alloc(64);
        bytes.writeUInt32BE(magic, 0);
        const outcome = patch(engine, bytes, SHORTER);
        assert.ok('code' in outcome);
        assert.deepEqual([outcome.code, outcome.data], ['macho-unsupported', { form }]);
      }
    });

    it('signs what was changed, and leaves what fits', () => {
      for (const name of MACHO_FILES) {
        assert.deepEqual(resign(engine, machoFixture(name), false), {
          size: machoFixture(name).length,
          isEdited: false,
          bytes: machoFixture(name),
          tail: Buffer.alloc(0),
        });
        const changed = changedBytes(patch(engine, machoFixture(name), SHORTER));
        const signed = changedBytes(resign(engine, changed, false));
        assert.ok(!signed.equals(changed));
        const again = resign(engine, signed, false);
        assert.ok(!('code' in again) && !again.isEdited);
      }
    });

    it('replaces a real identity only when told', () => {
      const bytes = withSignature(machoFixture('libgreet-arm64.dylib'), {
        directories: [
          { hashType: 1, flags: 0x10000 },
          { hashType: 2, flags: 0 },
        ],
        identity: 200,
      });
      const patcher = engine.createMachoPatcher(SHORTER, IDENTITY);
      const refused = outcomeOf(bytes, () => patcher.checkSignable(sourceOfBytes(bytes)) ?? []);
      assert.ok('code' in refused);
      assert.deepEqual(
        [refused.code, refused.data],
        ['macho-signed', { identifier: 'org.regraft.greet', sliceOffset: 0 }],
      );
      assert.ok(isAdHoc(changedBytes(resign(engine, bytes, true))));
    });

    it('says what is wrong with a signature', () => {
      const bytes = machoFixture('libgreet-arm64.dylib');
      const file = readMacho(sourceOfBytes(bytes));
      assert.ok(file && !('problem' in file));
      bytes.writeUInt32BE(0xbadbadba, file.slices[0]?.signature?.offset ?? 0);
      const outcome = resign(engine, bytes, false);
      assert.ok('code' in outcome);
      assert.deepEqual(
        [outcome.code, outcome.data],
        ['macho-signature', { problem: 'its code signature is malformed', sliceOffset: 0 }],
      );
    });

    it('keeps an edit after the next file was patched', () => {
      const patcher = engine.createMachoPatcher(SHORTER, IDENTITY);
      const bytes = machoFixture('libgreet-arm64.dylib');
      const edits = patcher.patch(sourceOfBytes(bytes));
      const copies = edits.map((edit) => Buffer.from(edit.bytes));
      for (const name of MACHO_FILES) {
        const other = machoFixture(name);
        patcher.resign(sourceOfBytes(applyEdits(other, patcher.patch(sourceOfBytes(other)))));
      }
      assert.deepEqual(
        edits.map((edit) => Buffer.from(edit.bytes)),
        copies,
      );
    });
  });
}

describe('Mach-O patch, all engines', { skip: OTHERS.length === 0 && 'there is one engine' }, () => {
  it('agree on signatures of every kind of hash', () => {
    for (const hashType of [1, 2, 3, 4] as const) {
      for (const [pageShift, flags, version, identity] of [
        [9, 2, 0x20400, 0],
        [12, 0, 0x20200, 100],
        [14, 0x10002, 0x20100, 9],
        [24, 0, 0x20001, 0],
      ] as const) {
        const bytes = withSignature(machoFixture('libgreet-x86_64.dylib'), {
          directories: [{ hashType, flags, version, pageShift }, { hashType: 2 }],
          identity,
        });
        for (const replaceIdentity of [true, false]) {
          const expected = resign(JS, bytes, replaceIdentity);
          for (const engine of OTHERS)
            assertSameOutcome(resign(engine, bytes, replaceIdentity), expected, engine.name);
        }
      }
    }
  });

  it('agree on names, relative and other', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 2000; seed++) seen.add(fuzzNames([JS, ...OTHERS], seed));
    for (const kind of ['edited', 'unchanged', 'macho-no-room: ']) assert.ok(seen.has(kind), kind);
  });

  it('agree on damaged files', () => {
    const specimens = machoSpecimens();
    const seen = new Set<string>();
    for (let seed = 0; seed < 5000; seed++) seen.add(fuzzMacho([JS, ...OTHERS], specimens, seed));
    for (const kind of ['patch edited', 'resign edited', 'relocate edited', 'patch unchanged'])
      assert.ok(seen.has(kind), kind);
    // Damage must not end at the first check.
    assert.ok(seen.size > 20, [...seen].join('\n'));
  });
});
