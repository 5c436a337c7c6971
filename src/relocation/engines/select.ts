// Which engine runs: the fastest that loads, or the one that a flag or `REGRAFT_ENGINE` forces. The reason goes into the report.
import { RelocationError, UsageError } from '../../core/errors.js';
import type { RelocationEngine } from '../engine.js';
import { JsEngine } from './js.js';
import { loadNative } from './native.js';
import { WasmEngine } from './wasm/wasm.js';

export type EngineName = RelocationEngine['name'];
export type EngineChoice = 'auto' | EngineName;

export interface SelectedEngine {
  readonly engine: RelocationEngine;
  /** Why this one: for people. */
  readonly reason: string;
}

/** How an engine is made; one that cannot run throws RelocationError `engine-unavailable`. */
export type EngineLoaders = Readonly<
  Record<EngineName, (env: Readonly<Record<string, string | undefined>>) => RelocationEngine>
>;

/** From the fastest to the one that always works. */
const ORDER: readonly EngineName[] = ['native', 'wasm', 'js'];

const LOADERS: EngineLoaders = {
  native: loadNative,
  wasm: () => new WasmEngine(),
  js: () => new JsEngine(),
};

/**
 * Selects an engine.
 * @param choice what a flag says; undefined leaves it to `env.REGRAFT_ENGINE`, and that to `auto`
 * @throws UsageError `usage` for an engine that does not exist
 * @throws RelocationError `engine-unavailable` when the engine that was forced cannot run
 */
export function selectEngine(
  choice: EngineChoice | undefined,
  env: Readonly<Record<string, string | undefined>>,
  loaders: EngineLoaders = LOADERS,
): SelectedEngine {
  const source = choice === undefined ? 'REGRAFT_ENGINE' : 'the caller';
  const wanted = parseChoice(choice ?? (env.REGRAFT_ENGINE || 'auto'));
  if (wanted !== 'auto') return { engine: loaders[wanted](env), reason: `forced by ${source}` };
  const problems: string[] = [];
  for (const name of ORDER) {
    try {
      const engine = loaders[name](env);
      return { engine, reason: problems.length > 0 ? problems.join('; ') : 'the fastest engine' };
    } catch (error) {
      if (!(error instanceof RelocationError)) throw error;
      problems.push(`${name}: ${String(error.data.reason ?? error.message)}`);
    }
  }
  throw new RelocationError('engine-unavailable', 'Cannot start any engine', {
    hint: 'Update Node',
    data: { problems },
  });
}

function parseChoice(text: string): EngineChoice {
  if (text === 'auto' || text === 'native' || text === 'wasm' || text === 'js') return text;
  throw new UsageError('usage', `Cannot use the engine "${text}": it is none of auto, native, wasm and js`, {
    hint: 'Use --engine auto',
    data: { engine: text },
  });
}
