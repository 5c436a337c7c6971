// The oracle of the benchmark: the naive rules on examples that can be checked by eye, and against the engine that is there to be read.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  elfInput,
  everywhereInput,
  expectedCStrings,
  expectedElf,
  expectedHits,
  expectedText,
  paddingInput,
  prefixMapping,
  sharedStemInput,
  textInput,
} from '../../bench/inputs/kernel-input.js';
import { naiveCStrings, naiveRpath, naiveText } from '../../bench/oracle/naive-rules.js';
import { JsEngine } from '../../src/relocation/engines/js.js';

const MAPPING = [['/old/store', '/new']] as const;

describe('naiveText', () => {
  it('replaces a prefix behind at most one component, and not within a longer path', () => {
    assert.equal(naiveText('-L/old/store/lib a=/old/store', MAPPING), '-L/new/lib a=/new');
    assert.equal(naiveText('b/a/old/store', MAPPING), 'b/a/old/store');
    assert.equal(naiveText('/old/store/old/store', MAPPING), '/new/old/store');
  });
});

describe('naiveCStrings', () => {
  it('keeps every length', () => {
    assert.equal(naiveCStrings('x/old/store/lib/file.so\0', MAPPING), 'x///////new/lib/file.so\0');
    assert.equal(naiveCStrings('/old/store\0', [['/old/store', '/a']]).length, '/old/store\0'.length);
  });

  it('refuses a longer prefix', () => {
    assert.throws(() => naiveCStrings('/old\0', [['/old', '/longer']]), /longer than/);
  });
});

describe('naiveRpath', () => {
  it('replaces entries that begin with a prefix, and fills the rest with NULs', () => {
    const text = 'ELF /old/store/lib:/usr/lib:/old/store/x\0behind';
    assert.equal(
      naiveRpath(text, '/old/store', MAPPING),
      `ELF /new/lib:/usr/lib:/new/x${'\0'.repeat(13)}behind`,
    );
  });
});

describe('what inputs expect', () => {
  const engine = new JsEngine();
  const sixty = prefixMapping(60);

  it('is what a scanner finds', () => {
    for (const input of [
      everywhereInput(1, sixty),
      sharedStemInput(1, sixty),
      paddingInput(1, sixty),
      textInput(1, sixty),
    ]) {
      const hits = engine.createScanner(input.mapping.map(([from]) => from)).scan(input.bytes);
      assert.deepEqual(
        Buffer.from(expectedHits(input)),
        Buffer.from(new Uint8Array(Uint32Array.from(hits).buffer)),
      );
    }
  });

  it('is what replacers and patchers make of it', () => {
    const text = textInput(1, sixty);
    assert.deepEqual(
      Buffer.from(engine.createTextReplacer(sixty).replace(text.bytes) ?? []),
      Buffer.from(expectedText(text)),
    );
    const strings = everywhereInput(1, sixty);
    const expected = Buffer.from(expectedCStrings(strings));
    engine.createCStringReplacer(sixty).replace(strings.bytes, { start: 0, isLast: true });
    assert.deepEqual(strings.bytes, expected);
    assert.notDeepEqual(Buffer.from(expectedElf(elfInput(2, sixty))), elfInput(2, sixty).bytes);
  });
});
