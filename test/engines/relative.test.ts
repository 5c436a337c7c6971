// Rpaths relative to the file, in every engine: in place, and where the file must grow for them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readElf } from '../../src/binfmt/elf/elf.js';
import { applyEdits, sizeAfterEdits, sourceOfBytes } from '../../src/core/byte-source.js';
import { fromLatin1, toLatin1 } from '../../src/core/bytes.js';
import type { FileOrigin, RelocationEngine } from '../../src/relocation/engine.js';
import { buildElf } from '../helpers/elf-builder.js';
import { ENGINES, mappingOf } from './engines.js';

const MAPPING = mappingOf([
  ['/old/store/greet', '/n/greet'],
  ['/old/store', '/n'],
]);

function originIn(folder: string): FileOrigin {
  return {
    old: fromLatin1(`/old/store/greet/${folder}`),
    new: fromLatin1(`/n/greet/${folder}`),
    root: fromLatin1('/n'),
  };
}

/** The file after patching. */
function patched(engine: RelocationEngine, bytes: Uint8Array, folder: string): Buffer {
  const patcher = engine.createElfPatcher(MAPPING, { rewriteInterpreter: false });
  const edits = patcher.patch(sourceOfBytes(bytes), originIn(folder));
  const changed = Buffer.alloc(sizeAfterEdits(bytes.length, edits));
  changed.set(bytes);
  applyEdits(changed, edits);
  return changed;
}

function rpathOf(bytes: Uint8Array): string {
  return toLatin1(readElf(sourceOfBytes(bytes))?.rpath?.value ?? new Uint8Array(0));
}

for (const engine of ENGINES) {
  describe(`relative rpaths, ${engine.name}`, () => {
    for (const type of [32, 64] as const) {
      for (const byteOrder of ['little', 'big'] as const) {
        it(`are written in place where they fit (${type} bit, ${byteOrder} endian)`, () => {
          const rpath = '$ORIGIN/../share/..//lib:/old/store/greet/x::/usr/lib';
          const { bytes } = buildElf({ class: type, byteOrder, rpath });
          const changed = patched(engine, bytes, 'lib');
          assert.equal(rpathOf(changed), '$ORIGIN/.:$ORIGIN/../x:/usr/lib');
          assert.equal(changed.length, bytes.length);
        });
      }
    }

    it('stay as they are where nothing changes', () => {
      const { bytes } = buildElf({ rpath: '$ORIGIN/../share:/usr/lib' });
      assert.deepEqual(patched(engine, bytes, 'lib'), Buffer.from(bytes));
    });

    it('let the file grow where they do not fit', () => {
      const bytes = readFileSync(join(process.cwd(), 'test/fixtures-binaries/libgreet.so.1'));
      assert.equal(rpathOf(bytes), '/old/store/greet/lib');
      const changed = patched(engine, bytes, 'a/b/c/d/e/f');
      assert.equal(rpathOf(changed), '$ORIGIN/../../../../../../lib');
      assert.ok(changed.length > bytes.length);
    });
  });
}
