// What each stage adds to plain extraction by the same engine, in one warm process; and ways known to be slow.
import type { EngineName } from '../../src/relocation/engines/select.js';
import type { BenchCase } from '../case.js';
import { archivePeer } from '../contenders/archive-peers.js';
import { npmPeer } from '../contenders/npm-peers.js';
import { pythonInstall } from '../contenders/python-calls.js';
import { regraftProcess } from '../contenders/regraft-process.js';
import { warmEntries, warmExtract, warmInstall } from '../contenders/warm.js';
import type { InputRecipe } from '../inputs/case-input.js';
import { BIG_CACHE, TENTH_CACHE } from '../inputs/recipes.js';

/** Streams in two passes read the tarball twice: known to be slow, so measured only on the small input. */
function stagesOf(engine: EngineName, input: InputRecipe, size: string): BenchCase {
  const slow = input === TENTH_CACHE ? [warmInstall({ engine, workers: 0, through: 'streams' })] : [];
  return {
    name: `stages of ${engine}, ${size}`,
    group: 'stage',
    why: 'checksum and relocation should cost little on top of extraction, and streams little on top of the core',
    input,
    place: 'memory',
    contenders: [
      warmExtract(engine, { takesDigest: false }),
      warmExtract(engine, { takesDigest: true }),
      warmInstall({ engine, workers: 0 }),
      warmEntries(engine),
      ...slow,
    ],
    baseline: `warm ${engine}, extraction alone`,
    metric: 'cpu',
    mostRounds: 4,
  };
}

export const STAGE_CASES: readonly BenchCase[] = [
  stagesOf('wasm', BIG_CACHE, 'big package'),
  stagesOf('native', BIG_CACHE, 'big package'),
  { ...stagesOf('wasm', TENTH_CACHE, 'a tenth of it'), runs: 'both' },
  {
    name: 'other ways to unpack',
    group: 'stage',
    why: 'what a program can build from Node, npm and Python; Python with re, and regraft, also relocate',
    input: TENTH_CACHE,
    place: 'memory',
    contenders: [
      archivePeer('tar'),
      archivePeer('python'),
      pythonInstall(),
      npmPeer('node-tar'),
      npmPeer('DecompressionStream, tar-stream, fs.promises'),
      npmPeer('fflate, tar-stream, fs.promises'),
      regraftProcess({ engine: 'native', workers: 0 }),
      regraftProcess({ engine: 'wasm', workers: 0 }),
    ],
    baseline: 'tar xzf',
    metric: 'wall',
    mostRounds: 5,
  },
];
