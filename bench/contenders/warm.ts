// Work in a warm process: engines are loaded, code is compiled, one turn follows another.
import { join } from 'node:path';
import type { EngineName } from '../../src/relocation/engines/select.js';
import type { Contender, OpenContext, Turn, Verdict } from '../case.js';
import { type CacheInput, requireCache } from '../inputs/case-input.js';
import type { SessionTask } from '../session/messages.js';
import { Session } from '../session/session.js';
import { missingEngine, type RegraftOptions, workersText } from './regraft-process.js';
import { installedVerdict, stagedVerdict } from './tree-verdict.js';

interface TaskPlace {
  readonly input: CacheInput;
  readonly turn: Turn;
  readonly workFolder: string;
}

interface WarmOptions {
  readonly name: string;
  readonly engine?: EngineName;
  readonly task: (place: TaskPlace) => SessionTask;
  readonly verdict: (
    folder: string,
    depth: 'thorough' | 'quick',
    input: CacheInput,
  ) => Verdict | Promise<Verdict>;
}

function warm({ name, engine, task, verdict }: WarmOptions): Contender {
  return {
    name,
    async open(context: OpenContext) {
      const missing = engine && missingEngine(engine, context);
      if (missing !== undefined) return missing;
      const input = requireCache(context.input);
      const { workFolder } = context;
      const session = new Session();
      return {
        async run(turn) {
          const sample = await session.run(task({ input, turn, workFolder }));
          return { sample, verify: (depth) => verdict(turn.folder, depth, input) };
        },
        close: () => session.close(),
      };
    },
  };
}

const rootIn = (folder: string) => join(folder, 'opt');
const installed: WarmOptions['verdict'] = (folder, depth, input) =>
  installedVerdict(rootIn(folder), depth, { input });

/** `install` in a warm process, through the fused core or the public streams with their two passes. */
export function warmInstall(options: RegraftOptions & { readonly through?: 'core' | 'streams' }): Contender {
  const { engine, workers, through = 'core' } = options;
  const way = through === 'streams' ? ', streams in two passes' : '';
  return warm({
    name: `warm ${engine}, ${workersText(workers)}${way}`,
    engine,
    task: ({ input: { folder: cache, queries }, turn, workFolder }) => {
      const root = rootIn(turn.folder);
      return { type: 'install', cache, queries, engine, workers, through, root, workFolder };
    },
    verdict: installed,
  });
}

/** `installEntries` at the end of the public streams. */
export function warmEntries(engine: EngineName): Contender {
  return warm({
    name: `warm ${engine}, streams in one pass`,
    engine,
    task: ({ input: { folder: cache, queries }, turn, workFolder }) => {
      return { type: 'entries', cache, queries, engine, root: rootIn(turn.folder), workFolder };
    },
    verdict: installed,
  });
}

/** Extraction alone by the same engine. */
export function warmExtract(
  engine: EngineName,
  { takesDigest }: { readonly takesDigest: boolean },
): Contender {
  return warm({
    name: `warm ${engine}, extraction${takesDigest ? ' and checksum' : ' alone'}`,
    engine,
    task: ({ input, turn: { folder } }) => {
      return { type: 'extract', tarball: firstTarball(input), engine, folder, takesDigest };
    },
    verdict: stagedVerdict,
  });
}

function firstTarball({ tarballs: [first], folder }: CacheInput): string {
  if (first === undefined) throw new TypeError(`There is no tarball in "${folder}"`);
  return first;
}
