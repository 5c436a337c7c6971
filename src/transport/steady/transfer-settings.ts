// How long a mirror is waited for, and what is asked of it: defaults, and the environment variables that change them.
import { UsageError } from '../../core/errors.js';
import type { Environment } from '../../host/environment.js';

/** Times are in milliseconds, and count only while bytes are waited for: a slow reader makes no slow mirror. */
export interface TransferSettings {
  /** Longest time without a byte; then the connection is given up, and the body goes on over another one. */
  readonly idleTimeout: number;
  /** Longest time that the body of one object is waited for, in all; 0 for any. */
  readonly totalTimeout: number;
  /** Bytes per second that a mirror sends at least, on average over a window; 0 for any. A slower one is left. */
  readonly lowestRate: number;
  readonly rateWindow: number;
  /** Failures in a row after which a mirror is left alone for the rest of the run; 0 for never. */
  readonly failuresInRow: number;
  /** Retries that a run has in any case; those of one in five requests come on top. */
  readonly retries: number;
  /** Pause of a mirror after which another one that has the same bytes is asked, too; 0 for never. */
  readonly hedgeAfter: number;
}

export const DEFAULT_SETTINGS: TransferSettings = {
  idleTimeout: 30_000,
  totalTimeout: 0,
  lowestRate: 1024,
  rateWindow: 30_000,
  failuresInRow: 10,
  retries: 100,
  hedgeAfter: 1000,
};

interface Variable {
  readonly name: string;
  readonly setting: keyof TransferSettings;
  /** What one of it is in the setting. */
  readonly unit: number;
  readonly least: number;
}

const VARIABLES: readonly Variable[] = [
  { name: 'REGRAFT_IDLE_TIMEOUT', setting: 'idleTimeout', unit: 1000, least: 0.001 },
  { name: 'REGRAFT_TOTAL_TIMEOUT', setting: 'totalTimeout', unit: 1000, least: 0 },
  { name: 'REGRAFT_LOWEST_RATE', setting: 'lowestRate', unit: 1, least: 0 },
  { name: 'REGRAFT_RATE_WINDOW', setting: 'rateWindow', unit: 1000, least: 0.001 },
  { name: 'REGRAFT_FAILURES_IN_ROW', setting: 'failuresInRow', unit: 1, least: 0 },
  { name: 'REGRAFT_RETRIES', setting: 'retries', unit: 1, least: 0 },
  { name: 'REGRAFT_HEDGE_AFTER', setting: 'hedgeAfter', unit: 1000, least: 0 },
];

/**
 * The settings that the environment asks for: `REGRAFT_IDLE_TIMEOUT`, `REGRAFT_TOTAL_TIMEOUT`, `REGRAFT_RATE_WINDOW` and
 * `REGRAFT_HEDGE_AFTER` in seconds, `REGRAFT_LOWEST_RATE` in bytes per second, `REGRAFT_FAILURES_IN_ROW`, `REGRAFT_RETRIES`.
 * @throws UsageError `config` for what is not such a number
 */
export function transferSettings(environment: Environment): TransferSettings {
  const settings = { ...DEFAULT_SETTINGS };
  for (const { name, setting, unit, least } of VARIABLES) {
    const text = environment[name];
    if (text !== undefined && text !== '') settings[setting] = parse({ name, text, least }) * unit;
  }
  return settings;
}

interface NamedText {
  readonly name: string;
  readonly text: string;
  readonly least: number;
}

function parse({ name, text, least }: NamedText): number {
  const value = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least) return value;
  throw new UsageError('config', `Cannot use "${text}" in ${name}: it is not a number of at least ${least}`, {
    data: { variable: name, value: text },
  });
}
