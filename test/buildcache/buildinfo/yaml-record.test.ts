import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMap, isScalar, isSeq, parseDocument, parse as parseWithLibrary, stringify } from 'yaml';
import {
  parseYamlRecord,
  toByteString,
  YamlRecordError,
} from '../../../src/buildcache/buildinfo/yaml-record.js';
import { encodeUtf8, toLatin1 } from '../../../src/core/bytes.js';
import type { JsonObject, JsonValue } from '../../../src/spec/spec.js';
import { readJson } from '../../spec/spec-samples.js';

function parse(source: string): ReadonlyMap<string, unknown> {
  return parseYamlRecord(encodeUtf8(source));
}

/** What a record holds in place of a JSON value. */
function asRecord(value: JsonValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value)
    ? value.map(asRecord)
    : new Map(Object.entries(value as JsonObject).map(([key, item]) => [key, asRecord(item)]));
}

test('parseYamlRecord reads what a real Spack writes', () => {
  const vectors = readJson('test/buildcache/yaml-vectors.json');
  const texts = Object.entries(vectors.texts as Record<string, string>);
  assert.equal(texts.length, 3);
  const expected = asRecord(vectors.record as JsonValue) as Map<string, readonly string[]>;
  for (const [style, text] of texts) {
    const found = parse(text);
    const names = found.get('relocate_textfiles') as readonly string[];
    expected.get('relocate_textfiles')?.forEach((name, i) => {
      assert.equal(names[i], name, `${style}: ${JSON.stringify(name)}`);
    });
    assert.deepEqual(found, expected, style);
  }
});

const unit = fc.constantFrom(
  ...'ab1.-_/ \'":,#[]{}&*!|>%@`?=~\\üé☃',
  '😀',
  '\t',
  '\n',
  'null',
  'true',
  'yes',
  '0x1F',
  '- ',
  ': ',
  'aaaaaaaaaaaa aaaaaaaaaaaaaa',
);
const text = fc.oneof(
  fc.string({ unit, maxLength: 8 }),
  fc.constantFrom('', 'null', '~', '12:30:45', '2024-01-10', '=', '<<', '...', '---'),
);
const record = fc.record({
  buildpath: text,
  relocate_textfiles: fc.array(text, { maxLength: 6 }),
  hash_to_prefix: fc.dictionary(
    fc.string({ unit: fc.constantFrom(...'abc23/'), minLength: 1, maxLength: 4 }),
    text,
    { maxKeys: 3 },
  ),
});

function withByteStrings(value: unknown): unknown {
  if (typeof value === 'string') return toLatin1(encodeUtf8(value));
  if (Array.isArray(value)) return value.map(withByteStrings);
  return new Map(Object.entries(value as object).map(([key, item]) => [key, withByteStrings(item)]));
}

const styles = [
  ['block', { lineWidth: 0, schema: 'core', blockQuote: false }],
  ['block, folded', { lineWidth: 30, schema: 'core', blockQuote: false }],
  ['block, as YAML 1.1 quotes', { lineWidth: 0, version: '1.1', blockQuote: false }],
  ['flow', { lineWidth: 0, collectionStyle: 'flow', schema: 'core' }],
  ['flow, folded', { lineWidth: 30, collectionStyle: 'flow', schema: 'core' }],
] as const;

for (const [style, options] of styles) {
  test(`parseYamlRecord reads back what another library wrote in ${style} style`, () => {
    fc.assert(
      fc.property(record, (value) => {
        const source = stringify(value, options);
        // That library breaks some texts with line breaks itself.
        const again = parseDocument(source, { schema: 'failsafe' });
        fc.pre(again.errors.length === 0 && isDeepStrictEqual(again.toJS(), value));
        assert.deepEqual(parse(source), withByteStrings(value), source);
      }),
      { seed: 4, numRuns: 300 },
    );
  });
}

function isDeepStrictEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The other library's reading of a record; undefined where it is none. */
function readWithLibrary(source: string): unknown {
  const { contents, errors } = parseDocument(source, { schema: 'failsafe' });
  if (errors.length > 0 || !isMap(contents)) return undefined;
  const scalar = (node: unknown): unknown =>
    isScalar(node) ? toLatin1(encodeUtf8(String(node.value ?? ''))) : node === null ? '' : undefined;
  const value = (node: unknown): unknown => {
    if (isSeq(node)) return node.items.map(scalar);
    if (!isMap(node)) return scalar(node);
    return new Map(node.items.map((pair) => [scalar(pair.key), scalar(pair.value)]));
  };
  return new Map(contents.items.map((pair) => [scalar(pair.key), value(pair.value)]));
}

test('parseYamlRecord reads a text as the library does, or refuses it', () => {
  const line = fc.constantFrom(
    'a: x',
    'b: []',
    'c: {}',
    'd:',
    'd:',
    '- x',
    '- x',
    '- x y',
    "- 'it''s'",
    "- 'open",
    "  close'",
    '- "\\u00fc\\n"',
    '- "a\\',
    '  \\ b"',
    '- -x',
    '- a: b',
    '- a#b',
    '- a #b',
    '- [x]',
    '  k: v',
    '  k: v',
    '  j: "v"',
    '   k: v',
    '  - x',
    '  - y',
    'a: y',
    '',
    '# comment',
    '  # comment',
    '---',
    '...',
    'e: |',
    '  text',
    '  more # c',
    'f: &a x',
    'g: *a',
    '- ? x',
    '? x',
    ': y',
    '  ? x',
    '  : y',
    '- x ',
    'h: "x',
    'i: x',
    '{a: x}',
    '{a: [x, "y, z"], b: {k: v}}',
    "{a: ['x', y z, 1]}",
    '{a: [x,y]}',
    '{a: x, a: y}',
    '{a: [x, ]}',
    '{a: [x',
    '  y]}',
    '- ü',
    '- 12:30',
    '\tx',
    '"q": x',
    "'q' : x",
    'a : x',
    '-',
    '- ',
    ' x',
  );
  let read = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.constantFrom('\n', '\n', '\r\n'), (lines, end) => {
      const source = lines.map((item) => item + end).join('');
      let found: unknown;
      try {
        found = parse(source);
      } catch (error) {
        assert.ok(error instanceof YamlRecordError, String(error));
        return;
      }
      read++;
      assert.deepEqual(found, readWithLibrary(source), source);
    }),
    { seed: 5, numRuns: 6000 },
  );
  assert.ok(read > 100, `${read} were records`);
});

test('parseYamlRecord keeps the source of plain texts', () => {
  const names = [
    'yes',
    'No',
    '12:30:45',
    'null',
    '1_000',
    '0x1F',
    'true',
    '~',
    '1.50',
    '2024-01-10',
    '=',
    'File::Spec.3',
    'a#b',
  ];
  assert.deepEqual(parse(`list:\n${names.map((name) => `- ${name}\n`).join('')}`).get('list'), names);
  assert.deepEqual(parse(`{list: [${names.join(', ')}]}`).get('list'), names);
});

test('parseYamlRecord gives bytes: UTF-8 as it is, and "\\uDC80" as byte 80', () => {
  const source = 'list:\n- ü\n- "\\uDC80a\\uDCFF"\n- "\\u00fc\\uD83D\\uDE00"\n- "\\xFC\\U0001F600"\n';
  const both = '\u00c3\u00bc\u00f0\u009f\u0098\u0080';
  assert.deepEqual(parse(source).get('list'), ['\u00c3\u00bc', '\u0080a\u00ff', both, both]);
});

test('parseYamlRecord refuses what is no record, and names the line', () => {
  const cases = [
    'a: [',
    'a: &x y\nb: *x\n',
    '- a\n',
    'text',
    '',
    '# only\n',
    'a: [[x]]',
    'a:\n- k: v\n',
    'a: {b: {c: d}}',
    'a: x\na: y\n',
    '"\\uD800": x',
    'a: "\\uD800"',
    '? [x]\n: y\n',
    'a: x\n---\nb: y\n',
    'a: !!int 3',
    'a: |\n  x\n',
    '\ta: x',
    'a: "\\q"',
    'a: "\\u12"',
    'a: "\\U00110000"',
    'a: "x" y',
    'a: x: y',
    'a: \x01',
    '{a: x} b',
    'a:\n  b:\n    c: d\n',
  ];
  for (const source of cases) assert.throws(() => parse(source), YamlRecordError, source);
  assert.throws(() => parse('a: x\nb: y\nc: *d\n'), /\(line 3\)/);
  assert.throws(() => parseYamlRecord(Uint8Array.of(0x61, 0x3a, 0x20, 0xff)), YamlRecordError);
});

test('parseYamlRecord takes linear time on hostile texts', { timeout: 20_000 }, () => {
  const size = 200_000;
  const sources = [
    `a: ${'['.repeat(size)}`,
    '{a: '.repeat(size),
    '? '.repeat(size),
    `${'- '.repeat(size)}x`,
    `a: x\n${'#c\n'.repeat(size)}`,
    `a: ${' '.repeat(size)}#`,
    `a: x${' \n'.repeat(size)}  y\n`,
    `a: '${"''".repeat(size)}`,
    `a: "${'\\u00fc'.repeat(size)}`,
    `a: "${' \n'.repeat(size)}"`,
    `a: "x${' '.repeat(size)}y"`,
    `a: '${'\n x'.repeat(size)}'`,
    `{a: [${'x y, '.repeat(size)}`,
    `{a: ${'x:y#'.repeat(size)}`,
    `a:\n${Array.from({ length: size }, (_, i) => `  k${i}: v\n`).join('')}`,
    `a:\n${'- x\n'.repeat(size)}`,
    `a: x\n${'  y\n'.repeat(size)}`,
  ];
  for (const source of sources) {
    try {
      parse(source);
    } catch (error) {
      assert.ok(error instanceof YamlRecordError, String(error));
    }
  }
});

test('any text gives a record or a YamlRecordError', () => {
  const piece = fc.constantFrom(
    'a',
    ': ',
    '\n',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '"',
    "'",
    '\\',
    '&',
    '*',
    '!',
    '|',
    '>',
    '#',
    '%',
    '?',
    '\t',
    '<<',
    '\ufeff',
    '\u2028',
    '\0',
    '  ',
  );
  fc.assert(
    fc.property(fc.string({ unit: piece, maxLength: 20 }), (source) => {
      try {
        parse(source);
      } catch (error) {
        assert.ok(error instanceof YamlRecordError, String(error));
      }
    }),
    { seed: 6, numRuns: 3000 },
  );
});

/** A process that parses nested texts, 5 and 10 KB long, and goes on after errors. */
function parseNestedTexts(setup: string): { stdout: string; status: number | null } {
  const text = `${setup}
    for (const opening of ['[', '- ']) {
      try { parse(opening.repeat(5000)); } catch {}
    }
    console.log('survived');`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' });
}

test('nested texts end in an error, not in the end of the process', () => {
  const url = new URL('../../../src/buildcache/buildinfo/yaml-record.js', import.meta.url).href;
  const { stdout, status } = parseNestedTexts(
    `import { parseYamlRecord } from '${url}';
    const parse = (text) => parseYamlRecord(Buffer.from(text));`,
  );
  assert.deepEqual([stdout, status], ['survived\n', 0]);
});

test('two nested texts end the process of the yaml library', {
  // V8 gives up where it has to compile a regular expression at the very end of the stack.
  skip: process.version.startsWith('v20.') ? false : 'tried with Node 20 only',
}, () => {
  const { stdout, status } = parseNestedTexts(
    `import yaml from 'yaml';
    const parse = (text) => yaml.parse(text, { schema: 'failsafe', logLevel: 'error' });`,
  );
  assert.equal(stdout, '');
  assert.notEqual(status, 0);
});

test('the yaml library misreads names that Spack wrote', () => {
  const { block = '' } = readJson('test/buildcache/yaml-vectors.json').texts as Record<string, string>;
  const library = parseWithLibrary(block, { schema: 'failsafe' }) as Record<string, readonly string[]>;
  const names = parse(block).get('relocate_textfiles') as readonly string[];
  const misread = names.filter((name, i) => toByteString(library.relocate_textfiles?.[i] ?? '') !== name);
  assert.equal(misread.length, 4);
  // Behind what ended lines before YAML 1.2 Spack's emitter indents.
  const lineBreaks = ['\u0085', '\u2028', '\u2029'].map(toByteString);
  assert.ok(misread.every((name) => lineBreaks.some((lineBreak) => name.includes(lineBreak))));
});
