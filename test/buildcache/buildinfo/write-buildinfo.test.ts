import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { parseBuildinfo } from '../../../src/buildcache/buildinfo/buildinfo.js';
import {
  type BuildinfoFacts,
  formatBuildinfo,
  formatFlowBuildinfo,
} from '../../../src/buildcache/buildinfo/write-buildinfo.js';
import { formatScalar } from '../../../src/buildcache/buildinfo/yaml-scalar-writer.js';
import { toLatin1 } from '../../../src/core/bytes.js';
import { encodeSurrogateEscape } from '../../../src/host/surrogate-escape.js';
import { loadVectors } from '../../helpers/vectors.js';

interface YamlVector {
  readonly text: string;
  readonly item: string;
  readonly value: string;
}

const FACTS: BuildinfoFacts = {
  sbangInstallPath: '/opt/bin/sbang',
  buildpath: '/opt',
  spackprefix: '/spack',
  relativePrefix: 'linux/zlib',
  relocateTextfiles: [],
  relocateBinaries: [],
  relocateLinks: [],
  hashToPrefix: new Map(),
};

test('formatScalar writes what Spack writes, in lists and in mappings', () => {
  for (const { text, item, value } of loadVectors<YamlVector>('yaml.json')) {
    assert.equal(formatScalar(text, { column: 2, indent: 2 }), item, JSON.stringify(text));
    assert.equal(formatScalar(text, { column: 5, indent: 4 }), value, JSON.stringify(text));
  }
});

test('the yaml library writes other bytes than Spack', () => {
  const differing = loadVectors<YamlVector>('yaml.json').filter(({ text, item }) => {
    const written = stringify([text], { version: '1.2', singleQuote: true, lineWidth: 80 });
    return written !== `- ${item}\n`;
  });
  assert.ok(differing.length > 10, `${differing.length} texts`);
});

test('formatBuildinfo writes the keys in order, with lists that are not indented', () => {
  const facts = {
    ...FACTS,
    relocateTextfiles: ['a', 'true', "it's: so", '\xff'],
    relocateLinks: ['x'],
    hashToPrefix: new Map([
      ['a'.repeat(32), '/opt/linux/zlib'],
      ['2'.repeat(32), '/opt/a b'],
    ]),
  };
  assert.equal(
    toLatin1(formatBuildinfo(facts)),
    `sbang_install_path: /opt/bin/sbang
buildpath: /opt
spackprefix: /spack
relative_prefix: linux/zlib
relocate_textfiles:
- a
- 'true'
- "it's: so"
- "\\uDCFF"
relocate_binaries: []
relocate_links:
- x
hardlinks_deduped: true
hash_to_prefix:
  ${'a'.repeat(32)}: /opt/linux/zlib
  '${'2'.repeat(32)}': /opt/a b
`,
  );
});

test('formatBuildinfo folds long texts at blanks, as Spack does', () => {
  const words = `/tmp/${'word '.repeat(20)}end`;
  const text = toLatin1(
    formatBuildinfo({ ...FACTS, buildpath: words, hashToPrefix: new Map([['a'.repeat(32), words]]) }),
  );
  assert.match(text, /^buildpath: \/tmp\/(word )+word\n {2}word( word)* end$/m);
  assert.match(text, /^ {2}a{32}: \/tmp\/(word )+word\n {4}word( word)* end$/m);
});

/** Names of files: no NUL, no slash at an end. */
const nameBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ' ',
        ': ',
        '#',
        "'",
        '"',
        '\\',
        '-',
        '\n',
        '\t',
        '\x07',
        '\x7f',
        '\xc2\x85',
        '\xe2\x80\xa8',
        '\xff',
        '\xf0\x9f\x98\x80',
        '1',
        'true',
        'word ',
      ),
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => toLatin1(bytes.map((byte) => byte || 1))),
      fc.string({ minLength: 1, maxLength: 12 }).map((text) => text.replaceAll('\0', 'x')),
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map((parts) => parts.join(''));

test('what formatBuildinfo writes, parseBuildinfo reads', () => {
  fc.assert(
    fc.property(
      fc.array(nameBytes, { maxLength: 5 }),
      fc.array(nameBytes, { maxLength: 5 }),
      (texts, links) => {
        const facts: BuildinfoFacts = { ...FACTS, relocateTextfiles: texts, relocateLinks: links };
        const parsed = parseBuildinfo(formatBuildinfo(facts), 'test');
        assert.deepEqual(parsed.relocateTextfiles, texts);
        assert.deepEqual(parsed.relocateLinks, links);
        assert.equal(parsed.hardlinksDeduped, true);
      },
    ),
    { seed: 5, numRuns: 500 },
  );
});

test('every text of the vectors comes back through a buildinfo', () => {
  const texts = loadVectors<YamlVector>('yaml.json').map(({ text }) => text);
  const names = texts.filter((text) => isBytes(text) && !text.includes('\0')).map(encodeSurrogateEscape);
  const parsed = parseBuildinfo(formatBuildinfo({ ...FACTS, relocateBinaries: names }), 'test');
  assert.deepEqual(parsed.relocateBinaries, names);
});

/** Other lone surrogates stand for no byte. */
function isBytes(text: string): boolean {
  return !/[\ud800-\udc7f\udd00-\udfff]/u.test(text);
}

test('formatFlowBuildinfo writes one line, and what is relocated last', () => {
  const facts = {
    ...FACTS,
    relocateTextfiles: ['a', 'true', 'yes', '[x], {y}', 'a: b', '-dash', ' b', 'x'.repeat(90), '\xff'],
    relocateLinks: ['x y'],
    hashToPrefix: new Map([['a'.repeat(32), '/opt/linux/zlib']]),
  };
  assert.equal(
    toLatin1(formatFlowBuildinfo(facts)),
    '{sbang_install_path: /opt/bin/sbang, buildpath: /opt, spackprefix: /spack, relative_prefix: linux/zlib, hardlinks_deduped: true, ' +
      `hash_to_prefix: {${'a'.repeat(32)}: /opt/linux/zlib}, relocate_binaries: [], relocate_links: [x y], ` +
      `relocate_textfiles: [a, 'true', yes, '[x], {y}', 'a: b', -dash, ' b', ${'x'.repeat(90)}, "\\uDCFF"]}\n`,
  );
});

test('formatFlowBuildinfo writes what parseBuildinfo reads, whatever the names', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter((text) => !text.includes('\0'))
    .map((text) => toLatin1(Buffer.from(text)));
  fc.assert(
    fc.property(fc.array(name), fc.array(name), (relocateTextfiles, relocateLinks) => {
      const read = parseBuildinfo(
        formatFlowBuildinfo({ ...FACTS, relocateTextfiles, relocateLinks }),
        'test',
      );
      assert.deepEqual(
        { texts: read.relocateTextfiles, links: read.relocateLinks },
        { texts: relocateTextfiles, links: relocateLinks },
      );
    }),
  );
});
