// What others do on the machine, and which rounds do not count for it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDisturbed } from '../../bench/measure/disturbance.js';
import { MachineWatch, parseBusyTicks } from '../../bench/measure/machine-watch.js';

describe('parseBusyTicks', () => {
  it('adds what is neither idle nor waiting, with what the host took', () => {
    assert.equal(parseBusyTicks('cpu  1 2 4 1000 1000 8 16 32 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n'), 63);
  });

  it('refuses another text', () => {
    assert.throws(() => parseBusyTicks('intr 1 2 3'), TypeError);
  });
});

describe('MachineWatch', () => {
  it('says nothing of a turn that was too short to tell', () => {
    assert.deepEqual(new MachineWatch().complete({ wall: 1 }), { wall: 1 });
  });
});

describe('isDisturbed', () => {
  const first = { wall: 100, cpu: 100 };

  it('when others used the machine', () => {
    const busy = { wall: 1, others: 0.4 };
    assert.equal(isDisturbed({ samples: [first, busy], first, again: first }, 'wall'), true);
    assert.equal(
      isDisturbed({ samples: [first, { ...busy, others: 0.02 }], first, again: first }, 'wall'),
      false,
    );
  });

  it('when the same work twice took different times', () => {
    const again = { wall: 130, cpu: 101 };
    assert.equal(isDisturbed({ samples: [], first, again }, 'wall'), true);
    assert.equal(isDisturbed({ samples: [], first, again }, 'cpu'), false);
    assert.equal(isDisturbed({ samples: [], first: again, again: first }, 'wall'), true);
  });

  it('never for a contender that differs from another, or is not there', () => {
    assert.equal(isDisturbed({ samples: [first, { wall: 9000 }], first, again: first }, 'wall'), false);
    assert.equal(isDisturbed({ samples: [], first: undefined, again: undefined }, 'wall'), false);
  });
});
