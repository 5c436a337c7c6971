import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostTag } from '../../src/host/process-id.js';
import { isAbandonedName, temporaryName } from '../../src/host/temporary-name.js';
import { deadPid } from '../store/child.js';

test('temporaryName is new each time, and says whose it is', () => {
  assert.match(temporaryName(), new RegExp(`^${process.pid}-${hostTag()}[0-9a-f]{8}$`));
  assert.match(temporaryName('zlib'), new RegExp(`^zlib-${process.pid}-${hostTag()}[0-9a-f]{8}$`));
  assert.notEqual(temporaryName(), temporaryName());
  assert.equal(isAbandonedName(temporaryName()), false);
});

test('isAbandonedName knows names of dead processes of this host only', () => {
  const pid = deadPid();
  const cases: readonly (readonly [name: string, abandoned: boolean])[] = [
    [`${pid}-${hostTag()}01234567`, true],
    [`${pid}-${hostTag()}-0123456789ab`, true],
    [`zlib-${pid}-${hostTag()}01234567`, true],
    [`${process.pid}-${hostTag()}01234567`, false],
    [`${pid}-0123456701234567`, hostTag() === '01234567'],
    [`${pid}-${hostTag()}`, false],
    [`${pid}-${hostTag()}01234567.keep`, false],
    ['mine', false],
  ];
  for (const [name, abandoned] of cases) assert.equal(isAbandonedName(name), abandoned, name);
});
