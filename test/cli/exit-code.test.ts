import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exitCodeOf } from '../../src/cli/exit-code.js';
import {
  ArchiveError,
  IntegrityError,
  MetadataError,
  MirrorError,
  RelocationError,
  SignatureError,
  StoreError,
  UsageError,
} from '../../src/core/errors.js';

describe('exitCodeOf', () => {
  it('tells the kinds of failure apart', () => {
    const controller = new AbortController();
    controller.abort();
    const cases: readonly (readonly [unknown, number])[] = [
      [new ArchiveError('tar-header', ''), 1],
      [new MetadataError('metadata-syntax', ''), 1],
      [new RelocationError('cannot-grow-string', ''), 1],
      [new StoreError('disk-full', ''), 1],
      [new MirrorError('mirror-unreachable', ''), 1],
      [new TypeError('a defect'), 1],
      ['not even an error', 1],
      [undefined, 1],
      [new UsageError('usage', ''), 2],
      [new UsageError('projection', ''), 2],
      [new UsageError('spec-ambiguous', ''), 2],
      [new StoreError('root-unusable', ''), 2],
      [new MirrorError('mirror-protocol', ''), 2],
      [new SignatureError('key-unreadable', ''), 2],
      [new RelocationError('engine-unavailable', ''), 2],
      [new UsageError('spec-not-found', ''), 3],
      [new MirrorError('mirror-not-found', ''), 3],
      [new MirrorError('index-not-cached', ''), 3],
      [new IntegrityError('checksum-mismatch', ''), 4],
      [new IntegrityError('gzip-truncated', ''), 4],
      [new SignatureError('signature-invalid', ''), 4],
      [controller.signal.reason, 130],
    ];
    for (const [error, code] of cases) assert.equal(exitCodeOf(error), code, String(error));
  });
});
