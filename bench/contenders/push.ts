// Pushing an installed stack into an empty build cache: regraft, and the real Spack if there is one, from the same store.
import { createHash, type Hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BUILDINFO_PATH } from '../../src/buildcache/package-root.js';
import { TarReader } from '../../src/tar/tar-reader.js';
import type { Contender, OpenContext, Outcome, Verdict } from '../case.js';
import { requireCache } from '../inputs/case-input.js';
import { type CommandResult, measureCommand } from '../measure/command.js';
import { MAIN } from './regraft-process.js';
import { SpackSetup, spackRootOf } from './spack.js';
import { ownEnvironment } from './surroundings.js';

/** `regraft push`, with an index at the end. */
export function regraftPush(): Contender {
  return {
    name: 'regraft',
    async open(context) {
      const root = await installedStore(context);
      const environment = ownEnvironment(context.workFolder, context.environment);
      const { queries } = requireCache(context.input);
      return {
        async run({ folder }) {
          const where = ['--root', root, '--mirror', folder];
          const args = [MAIN, 'push', ...queries, ...where, '--unsigned', '--update-index'];
          return outcomeOf(await measureCommand({ program: process.execPath, args, environment }), folder);
        },
      };
    },
  };
}

/** `spack buildcache push`. */
export function spackPush(): Contender {
  return {
    name: 'Spack',
    async open(context) {
      const found = spackRootOf(context.environment);
      if (typeof found !== 'string') return found;
      const root = await installedStore(context);
      const spack = new SpackSetup(context, found);
      const { queries } = requireCache(context.input);
      return {
        async run({ folder }) {
          const args = ['buildcache', 'push', '--unsigned', '--update-index', folder, ...queries];
          return outcomeOf(await spack.run(root, args), folder);
        },
      };
    },
  };
}

/** The store that all contenders push from; the first one installs it. */
async function installedStore({ input, sharedFolder, environment }: OpenContext): Promise<string> {
  const root = join(sharedFolder, 'opt');
  if (existsSync(root)) return root;
  const { queries, folder } = requireCache(input);
  const args = [MAIN, 'install', ...queries, '--mirror', folder, '--root', root, '--no-check-signature'];
  await measureCommand({
    program: process.execPath,
    args,
    environment: ownEnvironment(sharedFolder, environment),
  });
  return root;
}

function outcomeOf({ sample }: CommandResult, folder: string): Outcome {
  const tarballs = tarballsIn(folder);
  const size = tarballs.reduce((sum, path) => sum + statSync(path).size, 0);
  return { sample, facts: { 'compressed bytes': size }, verify: (depth) => pushedVerdict(tarballs, depth) };
}

/** Compressed bytes depend on the compressor, so the contents of the archives are compared. */
function pushedVerdict(tarballs: readonly string[], depth: 'thorough' | 'quick'): Verdict {
  const hash = createHash('sha256');
  for (const path of tarballs) {
    hash.update(`${basename(path)}\n`);
    if (depth === 'thorough') hashMembers(hash, gunzipSync(readFileSync(path)));
  }
  return { kind: `archives, ${depth}`, digest: hash.digest('hex') };
}

/**
 * Members in order. The content of the buildinfo is left out: it names the Spack that pushed, and depends on how `file` classifies
 * generated libraries, which are not complete ELF files.
 */
function hashMembers(hash: Hash, tar: Buffer): void {
  const reader = new TarReader();
  reader.push(tar);
  let counts = true;
  for (let event = reader.next(); event !== undefined; event = reader.next()) {
    if (event.type === 'entry') {
      const { path, mode, type } = event.entry;
      counts = !path.endsWith(BUILDINFO_PATH);
      hash.update(`${type} ${path} ${mode}\n`);
    } else if (event.type === 'data' && counts) hash.update(event.bytes);
  }
}

function tarballsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.spack'))
    .sort()
    .map((path) => join(folder, path));
}
