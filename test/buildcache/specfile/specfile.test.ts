import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  parseSpecfile,
  type readSpecfile,
  requireChecksum,
} from '../../../src/buildcache/specfile/specfile.js';
import { encodeUtf8 } from '../../../src/core/bytes.js';
import { BuildcacheError } from '../../../src/core/errors.js';
import type { JsonObject } from '../../../src/spec/spec.js';
import {
  dictionary,
  FIXTURES,
  FIXTURES_V2V3,
  listFiles,
  needsFixtures,
  node4,
} from '../../spec/spec-samples.js';

const SHA256 = '0123456789abcdef'.repeat(4);

function specfile(more: JsonObject = {}): Uint8Array {
  return encodeUtf8(
    JSON.stringify({
      ...dictionary(4, [node4('x', 'a')]),
      buildcache_layout_version: 1,
      binary_cache_checksum: { hash_algorithm: 'sha256', hash: SHA256 },
      ...more,
    }),
  );
}

test('parseSpecfile reads spec, layout version and checksum', () => {
  const parsed = parseSpecfile(specfile(), 'x.spec.json');
  assert.equal(parsed.spec.root.name, 'x');
  assert.equal(parsed.layoutVersion, 1);
  assert.deepEqual(parsed.checksum, { algorithm: 'sha256', hash: SHA256 });
  assert.equal(requireChecksum(parsed), SHA256);
  const bare = encodeUtf8(JSON.stringify(dictionary(4, [node4('x', 'a')])));
  assert.deepEqual(
    [parseSpecfile(bare, 'x').layoutVersion, parseSpecfile(bare, 'x').checksum],
    [0, undefined],
  );
});

test('parseSpecfile refuses layouts and texts that it cannot use', () => {
  const cases: [Uint8Array, string][] = [
    [specfile({ buildcache_layout_version: 3 }), 'layout-unsupported'],
    [specfile({ buildcache_layout_version: 'one' }), 'metadata-invalid'],
    [specfile({ buildcache_layout_version: -1 }), 'metadata-invalid'],
    [specfile({ buildcache_layout_version: 1.5 }), 'metadata-invalid'],
    [specfile({ buildcache_layout_version: null }), 'metadata-invalid'],
    [specfile({ binary_cache_checksum: 'abc' }), 'metadata-invalid'],
    [specfile({ binary_cache_checksum: { hash: 7 } }), 'metadata-invalid'],
    [specfile({ spec: { _meta: { version: 9 }, nodes: [] } }), 'specfile-version-unsupported'],
    [gzipSync(specfile()), 'metadata-compressed'],
    [specfile().subarray(0, 50), 'metadata-syntax'],
    [encodeUtf8('<html>not found</html>'), 'metadata-syntax'],
    [encodeUtf8('[]'), 'metadata-invalid'],
  ];
  for (const [bytes, code] of cases) {
    assert.throws(() => parseSpecfile(bytes, 'dir/x.spec.json'), {
      name: 'MetadataError',
      code,
      message: /dir\/x\.spec\.json/,
    });
  }
  assert.equal(
    parseSpecfile(specfile({ buildcache_layout_version: 3 }), 'x', { newestLayout: 3 }).layoutVersion,
    3,
  );
});

test('parseSpecfile fails with a code however short the file was cut', () => {
  const bytes = specfile();
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => parseSpecfile(bytes.subarray(0, length), 'cut'), { code: 'metadata-syntax' });
  }
});

test('requireChecksum wants 64 lower-case hexadecimal digits, and does not care for the name of the algorithm', () => {
  const { spec } = parseSpecfile(specfile(), 'x');
  const require = (checksum?: { algorithm: string | undefined; hash: string | undefined }): string =>
    requireChecksum({ spec, checksum });
  assert.equal(require({ algorithm: 'md5', hash: SHA256 }), SHA256);
  assert.throws(() => require(), { name: 'IntegrityError', code: 'checksum-missing' });
  assert.throws(() => require({ algorithm: 'sha256', hash: undefined }), { code: 'checksum-missing' });
  for (const hash of [
    '',
    SHA256.slice(1),
    `${SHA256}0`,
    SHA256.toUpperCase(),
    `${SHA256}\n`,
    'd41d8cd98f00b204e9800998ecf8427e',
  ]) {
    assert.throws(() => require({ algorithm: 'sha256', hash }), {
      name: 'IntegrityError',
      code: 'checksum-invalid',
    });
  }
});

/** The signed text of a clearsigned file; whether it is good is the business of src/signature. */
function signedText(text: string): string {
  return (
    /\n\n(.*)\n-----BEGIN PGP SIGNATURE-----/s
      .exec(text.replaceAll('\r\n', '\n'))?.[1]
      ?.replace(/^- /gm, '') ?? text
  );
}

test('every specfile of the caches is read, and the checksum is that of the tarball', needsFixtures, () => {
  const roots = [`${FIXTURES}/caches`, `${FIXTURES_V2V3}/caches`];
  const files = roots.flatMap(listFiles).filter((file) => /\.spec\.json(?:\.sig)?$/.test(file));
  for (const file of files) {
    const parsed = parseSpecfile(encodeUtf8(signedText(fs.readFileSync(file, 'utf8'))), file);
    assert.ok(path.basename(file).includes(parsed.spec.root.hash));
    assert.match(requireChecksum(parsed), /^[0-9a-f]{64}$/);
    assert.equal(parsed.layoutVersion, file.includes('layout0') ? 0 : file.includes('layout2') ? 2 : 1);
  }
  assert.ok(files.length > 60, `${files.length} files`);
});

test('the negative cases that concern specfiles are refused with their codes', needsFixtures, () => {
  const parse = (name: string): ReturnType<typeof readSpecfile> => {
    const file = listFiles(`${FIXTURES}/negative/caches/${name}`).find((found) =>
      /\.spec\.json(?:\.sig)?$/.test(found),
    );
    const bytes = fs.readFileSync(file ?? '');
    const text = bytes[0] === 0x2d ? encodeUtf8(signedText(bytes.toString('utf8'))) : bytes;
    return parseSpecfile(text, name);
  };
  const codeOf = (name: string): string => {
    try {
      requireChecksum(parse(name));
    } catch (error) {
      assert.ok(error instanceof BuildcacheError);
      return error.code;
    }
    return 'accepted';
  };
  assert.deepEqual(
    [
      'layout-not-a-number',
      'spec-json-gzipped',
      'spec-json-truncated',
      'no-checksum',
      'checksum-md5',
      'layout-2',
    ].map(codeOf),
    [
      'metadata-invalid',
      'metadata-compressed',
      'metadata-syntax',
      'checksum-missing',
      'checksum-invalid',
      'accepted',
    ],
  );
});
