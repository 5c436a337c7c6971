// `regraft install` as users run it: a fresh process of the command line.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildcacheError } from '../../src/core/errors.js';
import { type EngineName, selectEngine } from '../../src/relocation/engines/select.js';
import type { Contender, Missing, OpenContext, Runner } from '../case.js';
import { requireCache } from '../inputs/case-input.js';
import { measureCommand } from '../measure/command.js';
import { ownEnvironment } from './surroundings.js';
import { installedVerdict } from './tree-verdict.js';

export const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface RegraftOptions {
  readonly engine: EngineName;
  readonly workers: number;
  /** Other packages than the case asks for, without dependencies. */
  readonly queries?: readonly string[];
  readonly label?: string;
}

/** A fresh process per turn. */
export function regraftProcess(options: RegraftOptions): Contender {
  const { engine, workers, label } = options;
  return {
    name: `regraft ${engine}, ${workersText(workers)}${label === undefined ? '' : `, ${label}`}`,
    open: async (context) => missingEngine(engine, context) ?? openProcess(options, context),
  };
}

export function workersText(workers: number): string {
  return workers === 0 ? 'no worker' : workers === 1 ? '1 worker' : `${workers} workers`;
}

/** Why an engine cannot take part; undefined where it can. */
export function missingEngine(engine: EngineName, { environment }: OpenContext): Missing | undefined {
  try {
    selectEngine(engine, environment);
    return undefined;
  } catch (error) {
    if (error instanceof BuildcacheError && error.code === 'engine-unavailable')
      return { missing: error.message };
    throw error;
  }
}

function openProcess({ engine, workers, queries }: RegraftOptions, context: OpenContext): Runner {
  const input = requireCache(context.input);
  const wanted = queries ?? input.queries;
  const environment = ownEnvironment(context.workFolder, context.environment);
  return {
    async run({ folder }) {
      const root = join(folder, 'opt');
      const where = ['--mirror', input.folder, '--root', root];
      const how = ['--no-check-signature', '--engine', engine, '--workers', String(workers)];
      const args = [MAIN, 'install', ...wanted, ...where, ...how];
      const { sample } = await measureCommand({ program: process.execPath, args, environment });
      return {
        sample,
        verify: (depth) => installedVerdict(root, depth, { input, ...(queries && { packages: queries }) }),
      };
    },
  };
}
