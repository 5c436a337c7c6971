import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Buildinfo, parseBuildinfo } from '../../../src/buildcache/buildinfo/buildinfo.js';
import { encodeUtf8, fromLatin1, toLatin1 } from '../../../src/core/bytes.js';
import { hashToPrefixOrder } from '../../../src/spec/traverse.js';
import { FIXTURES, FIXTURES_V2V3, listFiles, needsFixtures, readSpecs } from '../../spec/spec-samples.js';

const MINIMAL = 'buildpath: /old\nrelocate_textfiles: []\nrelocate_binaries: []\n';

function parse(text: string): Buildinfo {
  return parseBuildinfo(encodeUtf8(text), 'x/.spack/binary_distribution');
}

test('parseBuildinfo reads every key', () => {
  const info = parse(
    'sbang_install_path: /old/bin/sbang\nbuildpath: /old\nspackprefix: /spack\nrelative_prefix: a/x\nrelocate_textfiles:\n- yes\n- "\\uDC80"\n' +
      'relocate_binaries:\n- bin/x\nrelocate_links: []\nhardlinks_deduped: true\nhash_to_prefix:\n  aa: /old/x\n  bb: /old/y\n',
  );
  assert.deepEqual(info, {
    sbangInstallPath: '/old/bin/sbang',
    buildpath: '/old',
    spackprefix: '/spack',
    relativePrefix: 'a/x',
    relocateTextfiles: ['yes', '\u0080'],
    relocateBinaries: ['bin/x'],
    relocateLinks: [],
    hardlinksDeduped: true,
    relativeRpaths: false,
    hashToPrefix: new Map([
      ['aa', '/old/x'],
      ['bb', '/old/y'],
    ]),
  });
});

test('parseBuildinfo reads old forms: one line, prefix_to_hash, relative_rpaths', () => {
  const info = parse(
    '{buildpath: /old, spackprefix: null, relative_rpaths: True, relative_prefix: x, relocate_binaries: [a, "b, c"], relocate_textfiles: [\'1.5\'], prefix_to_hash: {/old/x: aa, /old/y: bb}}\n',
  );
  assert.deepEqual(info.relocateBinaries, ['a', 'b, c']);
  assert.deepEqual(info.relocateTextfiles, ['1.5']);
  assert.deepEqual(
    [...info.hashToPrefix],
    [
      ['aa', '/old/x'],
      ['bb', '/old/y'],
    ],
  );
  assert.deepEqual(
    [info.hardlinksDeduped, info.relativeRpaths, info.spackprefix, info.sbangInstallPath],
    [false, true, undefined, undefined],
  );
  assert.deepEqual(parse(MINIMAL).hashToPrefix, new Map());
});

test('parseBuildinfo refuses what is missing or has the wrong type', () => {
  const cases: [string, RegExp][] = [
    ['', /not a mapping/],
    ['a: [', /too early \(line 1\)/],
    [MINIMAL.replace('buildpath', 'builtpath'), /"buildpath" is missing/],
    [MINIMAL.replace('/old', '[]'), /"buildpath" is not a text/],
    [MINIMAL.replace('relocate_binaries', 'binaries'), /"relocate_binaries" is missing/],
    [MINIMAL.replace('textfiles: []', 'textfiles: x'), /"relocate_textfiles" is not a list/],
    [`${MINIMAL}hardlinks_deduped: maybe\n`, /"hardlinks_deduped" is not true or false/],
    [`${MINIMAL}hash_to_prefix: []\n`, /"hash_to_prefix" is not a mapping/],
    [`${MINIMAL}relocate_links:\n- "a\\0b"\n`, /NUL/],
    [`${MINIMAL}hash_to_prefix:\n  aa: "a\\0b"\n`, /NUL/],
    [`${MINIMAL}relocate_links:\n- [a]\n`, /a value is not a text/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parse(text), { name: 'MetadataError', code: 'buildinfo-invalid', message }, text);
  }
  assert.throws(() => parseBuildinfo(Uint8Array.of(0xff), 'x'), {
    code: 'buildinfo-invalid',
    message: /UTF-8/,
  });
});

interface Member {
  readonly name: string;
  readonly body: Uint8Array;
}

/** The members of a tar, with names as bytes; knows pax and GNU long names, which is all that the fixtures have. */
function* membersOf(tar: Uint8Array): Generator<Member> {
  let longName: string | undefined;
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const header = toLatin1(tar.subarray(at, at + 512));
    const size = Number.parseInt(header.slice(124, 136), 8);
    const body = tar.subarray(at + 512, at + 512 + size);
    const type = header[156];
    at += 512 + Math.ceil(size / 512) * 512;
    if (type === 'x') longName = /\d+ path=([^\n]*)\n/.exec(toLatin1(body))?.[1] ?? longName;
    else if (type === 'L') longName = toLatin1(body).replace(/\0.*$/s, '');
    else if (type !== 'K') {
      yield { name: (longName ?? header.slice(0, 100).replace(/\0.*$/s, '')).replace(/\/$/, ''), body };
      longName = undefined;
    }
  }
}

/** The members of the package in a `.spack` file; none where its inner archive is compressed with bzip2. */
function packageMembers(file: string): Member[] {
  const bytes = fs.readFileSync(file);
  if (bytes[0] === 0x1f) return [...membersOf(gunzipSync(bytes))];
  const inner = [...membersOf(bytes)].find(({ name }) => name.endsWith('.tar.gz'));
  return inner === undefined ? [] : [...membersOf(gunzipSync(inner.body))];
}

test('every file that a buildinfo of the fixtures lists is in its tarball', needsFixtures, () => {
  const specs = readSpecs(`${FIXTURES_V2V3}/specs`);
  let archives = 0;
  let listed = 0;
  for (const file of [`${FIXTURES}/caches`, `${FIXTURES_V2V3}/caches`]
    .flatMap(listFiles)
    .filter((found) => found.endsWith('.spack'))) {
    const members = packageMembers(file);
    const last = members.find(({ name }) => name.endsWith('/.spack/binary_distribution'));
    if (last === undefined) continue;
    archives++;
    const info = parseBuildinfo(last.body, file);
    const root = last.name.slice(0, -'/.spack/binary_distribution'.length);
    const names = new Set(members.map(({ name }) => name.slice(root.length + 1)));
    for (const name of [...info.relocateTextfiles, ...info.relocateBinaries, ...info.relocateLinks]) {
      listed++;
      assert.ok(names.has(name), `${file}: ${Buffer.from(fromLatin1(name)).toString()}`);
    }
    const isOld = file.includes('layout0') && info.sbangInstallPath === undefined;
    assert.equal(info.hardlinksDeduped, !isOld);
    assert.equal(info.hashToPrefix.size > 0, true);
    for (const spec of specs.values()) {
      if (isOld || !file.includes(spec.root.hash)) continue;
      assert.deepEqual(
        [...info.hashToPrefix.keys()],
        hashToPrefixOrder(spec).map(({ hash }) => hash),
        file,
      );
    }
  }
  assert.ok(archives > 60 && listed > 700, `${archives} archives, ${listed} files`);
});
