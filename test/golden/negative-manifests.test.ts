// Every broken build cache of layout 3: what its EXPECT.txt wants, for the reason that it is broken, as an ordinary user, with nothing
// left behind. Without the complete pack the few cases of this repository are run.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BuildcacheError } from '../../src/core/errors.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { fetchKeys } from '../../src/operations/keys/keys.js';
import { TrustedKeys } from '../../src/signature/keys/trusted-keys.js';
import { ENGINE_NAMES } from '../helpers/native-engine.js';
import { installCase } from '../helpers/negative-case.js';

const OWN_PACK = join('test', 'fixtures-v2v3');
const given = process.env.REGRAFT_FIXTURES;
const wholePack = given === undefined ? undefined : join(given, '..', 'fixtures-v2v3');
const hasWholePack = wholePack !== undefined && existsSync(wholePack);
const pack = hasWholePack ? wholePack : OWN_PACK;
const caches = join(pack, 'negative', 'caches');
const keyring = join(pack, 'keys', 'fixture-key.pub');
const NOBODY = 65534;
const HASH = 'pfklmlvcv7eqwcwfirdmojhv4pmq4na7';

/** A code, and what the message must say. */
type Refusal = readonly [code: string, reason: RegExp];

const NOT_A_SHA256 = /scriptleaf-3\.1-\w+\.spec\.manifest\.json": the checksum ".*" is not a sha256/;
const DATA_SIZE = /"data\[0\]\.contentLength" is .* not (a number of bytes|the size of a file)/;
const NO_PACKAGE = /no package matches/;
const BAD_SIGNATURE = /\.spec\.manifest\.json": the signature by "\w+" is bad/;
const AFTER_SIGNATURE = /unexpected content after the signature/;
const BEFORE_BLOCK = /there is something before the signed block/;
const NO_TARBALL = /the manifest names no tarball \(application\/vnd\.spack\.install\.v2\.tar\+gzip\)/;
const NO_SPEC = /the manifest names no spec \(application\/vnd\.spack\.spec\.v5\+json\)/;
const missing = (property: string) => new RegExp(`"data\\[0\\]\\.${property}" is missing`);

const EXPECTED: Readonly<Record<string, Refusal | 'installs'>> = {
  'checksum-absolute': ['checksum-invalid', NOT_A_SHA256],
  'checksum-algorithm-md5': ['checksum-invalid', /"md5:/],
  'checksum-algorithm-traversal': ['checksum-invalid', /"\.\.\/\.\.\//],
  'checksum-algorithm-unknown': ['checksum-invalid', /"sha999:/],
  'checksum-query': ['checksum-invalid', /\?x=1" is not a sha256/],
  'checksum-short': ['checksum-invalid', NOT_A_SHA256],
  'checksum-traversal': ['checksum-invalid', NOT_A_SHA256],
  'checksum-upper-case': ['checksum-invalid', NOT_A_SHA256],
  'checksum-url': ['checksum-invalid', /"sha256:file:\/\//],
  'compression-none': ['compression-unsupported', /its tarball is stored with compression "none"/],
  'compression-zstd': ['compression-unsupported', /its tarball is stored with compression "zstd"/],
  'compression-zstd-real': ['compression-unsupported', /its tarball is stored with compression "zstd"/],
  'content-length-huge': ['metadata-invalid', DATA_SIZE],
  'content-length-negative': ['metadata-invalid', DATA_SIZE],
  'content-length-text': ['metadata-invalid', DATA_SIZE],
  'content-length-wrong': ['size-mismatch', /it has 3033 bytes, its manifest says 3032/],
  'extra-records': 'installs',
  good: 'installs',
  'index-blob-bit-flip': ['checksum-mismatch', /the mirror says 6f44fad7f03f/],
  'index-blob-missing': ['blob-missing', /Cannot read the index that ".*index\.manifest\.json" names/],
  'index-manifest-extra-record': 'installs',
  'index-manifest-missing': ['spec-not-found', NO_PACKAGE],
  'index-manifest-signed': ['metadata-syntax', /index\.manifest\.json": it is signed, which only manifests/],
  'index-manifest-version-4': ['manifest-version-unsupported', /its manifest version is 4, not 3/],
  'index-media-type-v9': ['spec-not-found', NO_PACKAGE],
  'index-version-99': ['spec-not-found', NO_PACKAGE],
  'key-blob-bit-flip': 'installs',
  'key-blob-of-another-key': 'installs',
  'key-index-blob-missing': 'installs',
  'key-index-names-missing-key': 'installs',
  'key-index-names-path': 'installs',
  'layout-json-missing': 'installs',
  'layout-json-other-signing': 'installs',
  'manifest-blank-line-before-signed-block': ['signature-malformed', BEFORE_BLOCK],
  'manifest-checksum-edited': ['signature-invalid', BAD_SIGNATURE],
  'manifest-crlf': 'installs',
  'manifest-data-empty': ['manifest-record-missing', NO_TARBALL],
  'manifest-data-missing': ['metadata-invalid', /"data" is missing/],
  'manifest-data-object': ['metadata-invalid', /"data" is an object, not a list/],
  'manifest-detached-style': ['signature-malformed', /it has a signature, but no signed block/],
  'manifest-edited': ['signature-invalid', BAD_SIGNATURE],
  'manifest-empty': ['metadata-syntax', /\.spec\.manifest\.json": it is empty/],
  'manifest-forged-block-before-good-block': ['signature-malformed', AFTER_SIGNATURE],
  'manifest-good-block-before-forged-block': ['signature-malformed', AFTER_SIGNATURE],
  // The index was read: the message names the version and the hash.
  'manifest-missing': ['spec-not-found', new RegExp(`"scriptleaf@3\\.1/${HASH}" on any mirror`)],
  'manifest-of-another-package': ['signature-wrong-spec', /it describes "buildonly\/\w+", not "scriptleaf\//],
  'manifest-pretty': 'installs',
  'manifest-signed-by-unknown-key': [
    'signature-unknown-key',
    /no trusted key matches its signature by "13A47207/,
  ],
  'manifest-signed-list': ['metadata-invalid', /the document is a list, not an object/],
  'manifest-signed-not-json': ['metadata-syntax', /\.spec\.manifest\.json": it is not JSON/],
  'manifest-truncated': ['signature-malformed', /the text ends without a signature/],
  'manifest-two-signed-blocks': ['signature-malformed', AFTER_SIGNATURE],
  'manifest-unsigned': ['signature-missing', /\.spec\.manifest\.json": it is not signed/],
  'manifest-unsigned-text-before-signed-block': ['signature-malformed', BEFORE_BLOCK],
  'manifest-version-2': ['manifest-version-unsupported', /its manifest version is 2, not 3/],
  'manifest-version-4': ['manifest-version-unsupported', /its manifest version is 4, not 3/],
  'manifest-version-missing': ['metadata-invalid', /"version" is missing/],
  'manifest-version-text': ['metadata-invalid', /"version" is "3", not a whole number/],
  'media-types-swapped': [
    'metadata-syntax',
    /it is not JSON \(".*\.spec\.manifest\.json" names it as the spec/,
  ],
  'record-without-checksum': ['metadata-invalid', missing('checksum')],
  'record-without-checksumAlgorithm': ['metadata-invalid', missing('checksumAlgorithm')],
  'record-without-compression': ['metadata-invalid', missing('compression')],
  'record-without-contentLength': ['metadata-invalid', missing('contentLength')],
  'record-without-mediaType': ['metadata-invalid', missing('mediaType')],
  'records-in-other-order': 'installs',
  'spec-blob-bit-flip': ['checksum-mismatch', /its sha256 is f5aff6bf\w+, not e50945ed/],
  'spec-blob-format-6': ['specfile-version-unsupported', /its specfile version is 6/],
  'spec-blob-layout-4': ['layout-unsupported', /its layout version is 4/],
  'spec-blob-missing': ['blob-missing', /Cannot read the spec that ".*\.spec\.manifest\.json" names/],
  'spec-blob-not-json': [
    'metadata-syntax',
    /it is not JSON \(".*\.spec\.manifest\.json" names it as the spec/,
  ],
  'spec-blob-without-layout-version': 'installs',
  'spec-compression-none': 'installs',
  'spec-media-type-v6': ['manifest-record-missing', NO_SPEC],
  'spec-of-another-package': ['signature-wrong-spec', /it describes "buildonly\/\w+", not "scriptleaf\//],
  'spec-record-missing': ['manifest-record-missing', NO_SPEC],
  'tar-directory-that-is-no-parent': ['tar-outside-prefix', /"tmp\/fixture-escape-3-dir"/],
  'tar-dotdot-member': ['tar-unsafe-path', /it contains "\.\."/],
  'tar-hardlink-outside-prefix': ['tar-unsafe-link', /to "etc\/hostname"/],
  'tar-member-outside-prefix': ['tar-outside-prefix', /the member "elsewhere"/],
  'tar-second-buildinfo': 'installs',
  'tar-sibling-with-same-start': ['tar-outside-prefix', /4na72": it is outside/],
  'tar-truncated-with-matching-checksum': ['gzip-truncated', /it ends within a member/],
  'tar-without-buildinfo': ['buildinfo-missing', /has no "\.spack\/binary_distribution"/],
  'tar-without-directories': ['tar-no-prefix', /is not a directory member/],
  'tar-without-parents': 'installs',
  'tar-write-through-symlink': ['tar-through-symlink', /it is below the symbolic link/],
  'tarball-blob-bit-flip': ['checksum-mismatch', /its sha256 is 4fe518f3\w+, its manifest says 97b3fda1/],
  'tarball-blob-empty': ['size-mismatch', /it has 0 bytes, its manifest says 3033/],
  'tarball-blob-missing': ['blob-missing', /Cannot read the tarball that ".*\.spec\.manifest\.json" names/],
  'tarball-blob-truncated': ['size-mismatch', /it has 1516 bytes, its manifest says 3033/],
  'tarball-media-type-unknown': ['manifest-record-missing', NO_TARBALL],
  'tarball-media-type-upper-case': ['manifest-record-missing', NO_TARBALL],
  'tarball-of-another-package': 'installs',
  'tarball-record-missing': ['manifest-record-missing', NO_TARBALL],
  'two-tarball-records-bad-second': 'installs',
  'two-tarball-records-missing-first': ['blob-missing', /blobs\/sha256\/4f\/4fe518f3/],
  'two-tarball-records-same': 'installs',
};

/** What comes of the keys that the mirror lists, by code or trust; a text where the list itself is refused. */
const KEYS: Readonly<Record<string, string | readonly string[]>> = {
  'key-blob-bit-flip': ['checksum-mismatch'],
  'key-blob-of-another-key': ['key-mismatch'],
  'key-index-blob-missing': 'blob-missing',
  'key-index-names-missing-key': ['mirror-not-found', 'trusted-now'],
  'key-index-names-path': 'metadata-invalid',
};

/** Indexes that a newer Spack wrote are a warning: what the mirror has can still be named by hash. */
const WARNINGS: Readonly<Record<string, readonly string[]>> = {
  'index-media-type-v9': ['index-version-unsupported'],
  'index-version-99': ['index-version-unsupported'],
};

const names = readdirSync(caches).sort();

describe('broken build caches of layout 3', () => {
  let scratch = '';
  before(() => {
    // Some of the cases aim at places that only root may write to: nobody must be able to.
    if (process.getuid?.() === 0) {
      process.setgroups?.([NOBODY]);
      process.setgid?.(NOBODY);
      process.setuid?.(NOBODY);
    }
    scratch = mkdtempSync(join(tmpdir(), 'regraft-negative-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));
  const folderOf = (name: string) => {
    const folder = join(scratch, name);
    mkdirSync(folder);
    return folder;
  };

  const noPack = hasWholePack
    ? false
    : 'the complete pack is not here: only the cases of this repository run';
  it('are all expected here', { skip: noPack }, () => assert.deepEqual(names, Object.keys(EXPECTED).sort()));
  for (const name of names) {
    for (const engine of ENGINE_NAMES) {
      it(`${name} (${engine})`, async () => {
        const folder = folderOf(`${name}-${engine}`);
        const outcome = await installCase({ cache: join(caches, name), keyring, folder, engine });
        const wanted = readFileSync(join(caches, name, 'EXPECT.txt'), 'utf8').trim();
        checkOutcome(EXPECTED[name], outcome.error, wanted);
        if (outcome.error !== undefined) checkNothingLeft(outcome.root);
        assert.deepEqual(outcome.warnings, WARNINGS[name] ?? []);
        const escaped = readdirSync(tmpdir()).filter((each) => each.startsWith('fixture-escape-3'));
        assert.deepEqual(escaped, [], 'nothing is written outside');
      });
    }
  }

  for (const name of names.filter((each) => /^index-(manifest-missing|media-type|version)/.test(each)))
    it(`${name}: the package is found by its hash, without the index`, async () => {
      const cache = join(caches, name);
      const folder = folderOf(`${name}-by-hash`);
      const outcome = await installCase({ cache, keyring, folder, engine: 'js', query: `/${HASH}` });
      assert.equal(outcome.error, undefined);
    });

  for (const name of names.filter((each) => each in KEYS))
    it(`${name}: its keys`, async () => {
      const trustedKeys = new TrustedKeys(join(folderOf(`${name}-keys`), 'trusted'));
      assert.deepEqual(await keysOf(join(caches, name), trustedKeys), KEYS[name]);
      const wantsTrust = KEYS[name]?.includes('trusted-now') ?? false;
      assert.equal((await trustedKeys.list()).length, wantsTrust ? 1 : 0);
    });
});

function checkOutcome(
  expected: Refusal | 'installs' | undefined,
  error: BuildcacheError | undefined,
  wanted: string,
) {
  assert.ok(expected !== undefined, 'the case is expected here');
  const actual = error === undefined ? 'installs' : error.code;
  const message = `${wanted}; got: ${error?.message}`;
  assert.equal(actual, expected === 'installs' ? expected : expected[0], message);
  if (expected === 'installs') assert.match(wanted, /^(accepted|refuse or accept)/);
  else {
    assert.match(wanted, /^(refuse|error)/);
    assert.match(error?.message ?? '', expected[1]);
    assert.ok(error instanceof BuildcacheError);
  }
}

/** A refusal leaves no file in the store but the database, its locks and sbang. */
function checkNothingLeft(root: string): void {
  const own =
    /^(bin(\/sbang)?|\.spack-db(\/(lock|prefix_lock|prefix_failures|failures|regraft(\/[a-z]+)?))?)$/;
  const left = (readdirSync(root, { recursive: true }) as string[]).filter((path) => !own.test(path));
  assert.deepEqual(left, [], 'nothing is left behind');
}

/** What comes of importing the fixtures' key. */
async function keysOf(cache: string, trustedKeys: TrustedKeys): Promise<string | string[]> {
  const mirrors = [await openMirror(cache)];
  try {
    const shown = await fetchKeys({ mirrors, trustedKeys });
    const usable = shown.filter(({ error }) => error === undefined).map(({ fingerprint }) => fingerprint);
    const fetched = usable.length === 0 ? shown : await fetchKeys({ mirrors, trustedKeys, trust: usable });
    return fetched.map(({ error, trust }) => error?.code ?? trust).sort();
  } catch (error) {
    assert.ok(error instanceof BuildcacheError);
    return error.code;
  }
}
