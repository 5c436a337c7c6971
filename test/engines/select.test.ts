// Which engine is selected, forced or not, and what is said about it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RelocationError, UsageError } from '../../src/core/errors.js';
import { JsEngine } from '../../src/relocation/engines/js.js';
import { type EngineChoice, type EngineLoaders, selectEngine } from '../../src/relocation/engines/select.js';
import { WasmEngine } from '../../src/relocation/engines/wasm/wasm.js';
import { WasmKernels } from '../../src/relocation/engines/wasm/wasm-kernels.js';

const UNAVAILABLE = () => {
  throw new RelocationError('engine-unavailable', 'Cannot start', { data: { reason: 'not today' } });
};

const LOADERS: EngineLoaders = { native: UNAVAILABLE, wasm: UNAVAILABLE, js: () => new JsEngine() };

describe('selectEngine', () => {
  it('takes the fastest engine that loads, and says why', () => {
    const loaders = { ...LOADERS, wasm: () => new WasmEngine() };
    const { engine, reason } = selectEngine(undefined, {}, loaders);
    assert.equal(engine.name, 'wasm');
    assert.equal(reason, 'native: not today');
  });

  it('goes on to js where WASM cannot run', () => {
    const { engine, reason } = selectEngine('auto', {}, LOADERS);
    assert.equal(engine.name, 'js');
    assert.equal(reason, 'native: not today; wasm: not today');
  });

  it('obeys the flag before the environment', () => {
    assert.equal(selectEngine('js', { REGRAFT_ENGINE: 'wasm' }).engine.name, 'js');
    const { engine, reason } = selectEngine(undefined, { REGRAFT_ENGINE: 'js' });
    assert.equal(engine.name, 'js');
    assert.equal(reason, 'forced by REGRAFT_ENGINE');
    assert.equal(selectEngine(undefined, { REGRAFT_ENGINE: '' }, LOADERS).engine.name, 'js');
  });

  it('refuses to replace a forced engine', () => {
    for (const [choice, loaders] of [
      ['native', undefined],
      ['wasm', LOADERS],
    ] as const) {
      assert.throws(
        () => selectEngine(choice, { REGRAFT_NATIVE: '/nowhere/regraft.node' }, loaders),
        (error) => error instanceof RelocationError && error.code === 'engine-unavailable',
      );
    }
  });

  it('refuses an engine that does not exist', () => {
    for (const action of [
      () => selectEngine(undefined, { REGRAFT_ENGINE: 'rust' }),
      () => selectEngine('turbo' as EngineChoice, {}),
    ]) {
      assert.throws(action, (error) => error instanceof UsageError && error.code === 'usage');
    }
  });
});

describe('WasmKernels', () => {
  it('turns a trap into a coded error', () => {
    const kernels = new WasmKernels();
    const beyond = kernels.bytes.length - 4;
    assert.throws(
      () => kernels.run((wasm) => wasm.scan(beyond, beyond, 1024, 0, 1024, beyond, 16)),
      (error) => error instanceof RelocationError && error.code === 'engine-failed',
    );
  });

  it('lets other errors through', () => {
    assert.throws(() => new WasmKernels().run(() => assert.fail('mine')), assert.AssertionError);
  });
});
