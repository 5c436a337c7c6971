import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IntegrityError, MirrorError, type MirrorErrorCode } from '../../../src/core/errors.js';
import { MirrorHealth } from '../../../src/transport/steady/mirror-health.js';

function health(limit = 3) {
  const told: MirrorError[] = [];
  const mirror = new MirrorHealth({
    mirror: 'http://m',
    limit,
    onLeftAlone: (error) => void told.push(error),
  });
  const isUsable = () => {
    try {
      mirror.requireUsable();
      return true;
    } catch (error) {
      assert.ok(error instanceof MirrorError && error.code === 'mirror-left-alone', String(error));
      return false;
    }
  };
  return { mirror, told, isUsable };
}

function failure(code: MirrorErrorCode, retryable = true): MirrorError {
  return new MirrorError(code, `Cannot read it: ${code}`, { retryable });
}

describe('MirrorHealth', () => {
  it('leaves a mirror alone after failures in a row, and tells it once', () => {
    const { mirror, told, isUsable } = health();
    mirror.failed(failure('mirror-truncated'));
    mirror.failed(failure('mirror-unreachable', false));
    assert.ok(isUsable());
    mirror.failed(failure('mirror-http-status'));
    assert.ok(!isUsable());
    mirror.failed(failure('mirror-truncated'));
    mirror.worked();
    assert.ok(!isUsable());
    assert.deepEqual(
      told.map(({ message, data }) => [message, data.reason]),
      [
        [
          'Cannot read mirror "http://m": it failed 3 times in a row, and is left alone for this run',
          'Cannot read it: mirror-http-status',
        ],
      ],
    );
  });

  const forgets: Readonly<Record<string, (mirror: MirrorHealth) => void>> = {
    'what was read to its end': (mirror) => mirror.worked(),
    'an object that is not there': (mirror) => mirror.failed(failure('mirror-not-found', false)),
    'an object that was replaced': (mirror) => mirror.failed(failure('mirror-changed')),
  };
  for (const [name, event] of Object.entries(forgets)) {
    it(`begins to count anew after ${name}`, () => {
      const { mirror, isUsable } = health();
      for (let i = 0; i < 10; i++) {
        mirror.failed(failure('mirror-truncated'));
        mirror.failed(failure('mirror-truncated'));
        event(mirror);
      }
      assert.ok(isUsable());
    });
  }

  it('does not count what is no fault of the network', () => {
    const { mirror, isUsable } = health(1);
    mirror.failed(new Error('a bug'));
    mirror.failed(new IntegrityError('checksum-mismatch', 'Cannot use it', { retryable: true }));
    assert.ok(isUsable());
  });

  it('never leaves it alone without a limit', () => {
    const { mirror, isUsable } = health(0);
    for (let i = 0; i < 100; i++) mirror.failed(failure('mirror-truncated'));
    assert.ok(isUsable());
  });
});
