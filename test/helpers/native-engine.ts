// The native engine where it is built or installed, and else why not, for suites that list engines.
import { RelocationError } from '../../src/core/errors.js';
import { loadNative, type NativeEngine } from '../../src/relocation/engines/native.js';

function load(): NativeEngine | string {
  try {
    return loadNative();
  } catch (error) {
    if (!(error instanceof RelocationError) || error.code !== 'engine-unavailable') throw error;
    return error.message;
  }
}

const loaded = load();

/** The engine, or undefined. */
export const NATIVE: NativeEngine | undefined = typeof loaded === 'string' ? undefined : loaded;

/** What a skipped test says: false where the engine is there. */
export const NATIVE_MISSING: string | false = typeof loaded === 'string' ? loaded : false;

/** The engines that run here, by name. */
export const ENGINE_NAMES: readonly ('js' | 'wasm' | 'native')[] =
  NATIVE === undefined ? ['js', 'wasm'] : ['js', 'wasm', 'native'];
