// Every broken build cache of the fixtures: what its EXPECT.txt wants, as an ordinary user, with nothing left behind.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BuildcacheError } from '../../src/core/errors.js';
import { ENGINE_NAMES } from '../helpers/native-engine.js';
import { installCase } from '../helpers/negative-case.js';

/** The complete fixtures where they are; else those of this repository. */
const fixtures = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
const NOBODY = 65534;

/** The code of the refusal, or `installs`. */
const EXPECTED: Readonly<Record<string, string>> = {
  'checksum-md5': 'checksum-invalid',
  'dotdot-member': 'tar-unsafe-path',
  'duplicate-member': 'installs',
  'fifo-member': 'tar-unsupported-type',
  'forged-block-before-good-block': 'signature-malformed',
  'good-block-before-forged-block': 'signature-malformed',
  'gzip-trailing-garbage': 'installs',
  'gzip-two-members': 'installs',
  'hardlink-outside-prefix': 'tar-unsafe-link',
  'index-hash-out-of-date': 'installs',
  'index-missing': 'spec-not-found',
  'index-truncated': 'metadata-syntax',
  'index-version-99': 'spec-not-found',
  'layout-2': 'installs',
  'layout-not-a-number': 'metadata-invalid',
  'member-outside-prefix': 'tar-outside-prefix',
  'no-buildinfo': 'buildinfo-missing',
  'no-checksum': 'checksum-missing',
  'no-directory-members': 'tar-no-prefix',
  'sibling-directory-with-same-start': 'tar-outside-prefix',
  'signed-by-unknown-key': 'signature-unknown-key',
  'signed-checksum-edited': 'signature-invalid',
  'signed-crlf': 'installs',
  'signed-json-edited': 'signature-invalid',
  'spec-json-gzipped': 'metadata-compressed',
  'spec-json-truncated': 'metadata-syntax',
  'tarball-bit-flip': 'checksum-mismatch',
  'tarball-empty': 'checksum-mismatch',
  'tarball-missing': 'mirror-not-found',
  'tarball-truncated': 'checksum-mismatch',
  'truncated-with-matching-checksum': 'gzip-truncated',
  'two-signed-blocks': 'signature-malformed',
  'uncompressed-tar': 'installs',
  'unsigned-only': 'signature-missing',
  'unsigned-text-before-signed-block': 'signature-malformed',
  'write-through-symlink': 'tar-through-symlink',
};

describe('broken build caches', () => {
  let scratch = '';
  before(() => {
    // Two of the cases aim at places that only root may write to: nobody must be able to.
    if (process.getuid?.() === 0) {
      process.setgroups?.([NOBODY]);
      process.setgid?.(NOBODY);
      process.setuid?.(NOBODY);
    }
    scratch = mkdtempSync(join(tmpdir(), 'regraft-negative-'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  const caches = join(fixtures, 'negative', 'caches');
  it('are all expected here', () => {
    assert.deepEqual(readdirSync(caches).sort(), Object.keys(EXPECTED).sort());
  });
  for (const [name, expected] of Object.entries(EXPECTED)) {
    for (const engine of ENGINE_NAMES) {
      it(`${name} (${engine})`, async () => {
        const folder = join(scratch, `${name}-${engine}`);
        mkdirSync(folder);
        const request = {
          cache: join(caches, name),
          keyring: join(fixtures, 'keys', 'fixture-key.pub'),
          folder,
          engine,
        };
        const outcome = await installCase(request);
        const wanted = readFileSync(join(caches, name, 'EXPECT.txt'), 'utf8').trim();
        const actual = outcome.error === undefined ? 'installs' : outcome.error.code;
        assert.equal(actual, expected, `${wanted}; got: ${outcome.error?.message}`);
        if (outcome.error !== undefined) checkRefusal(outcome.error, outcome.root);
        assert.ok(
          !existsSync('/fixture-escape-1') && !existsSync('/tmp/fixture-escape-2'),
          'nothing is written outside',
        );
      });
    }
  }
});

/** A refusal says why, and leaves no file in the store but the database, its locks and sbang. */
function checkRefusal(error: BuildcacheError, root: string): void {
  assert.ok(error instanceof BuildcacheError && error.message.length > 20);
  const left = (readdirSync(root, { recursive: true }) as string[]).filter(
    (path) =>
      !/^(bin(\/sbang)?|\.spack-db(\/(lock|prefix_lock|prefix_failures|failures|regraft(\/[a-z]+)?))?)$/.test(
        path,
      ),
  );
  assert.deepEqual(left, [], 'nothing is left behind');
}
