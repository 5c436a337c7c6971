// Relocation alone: unpacked packages are copied to their new location and relocated in place. Only the relocation is measured.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineName } from '../../src/relocation/engines/select.js';
import type { Contender, Missing, OpenContext, Turn } from '../case.js';
import { type CacheInput, requireCache } from '../inputs/case-input.js';
import { type Command, measureCommand } from '../measure/command.js';
import type { ExpectedPackage } from '../oracle/expected-tree.js';
import { Session } from '../session/session.js';
import { missingPython, PYTHON, scriptPath } from './python-calls.js';
import { MAIN, missingEngine } from './regraft-process.js';
import { ownEnvironment } from './surroundings.js';
import { installedVerdict } from './tree-verdict.js';

/** A tree below the turn's folder with the packages under their new names and with their old paths. */
class MovedTree {
  readonly root: string;
  readonly #source: string;

  constructor(source: string, { folder }: Turn) {
    this.root = join(folder, 'opt');
    this.#source = source;
  }

  /** Heavy work for the file system that is not part of relocation. */
  copy(): void {
    cpSync(this.#source, this.root, { recursive: true, verbatimSymlinks: true });
  }

  /** The mapping of an installation: the package's own prefix, then its root. */
  mapping({ prefix, oldRoot }: ExpectedPackage): (readonly [string, string])[] {
    return [
      [prefix, this.root + prefix.slice(oldRoot.length)],
      [oldRoot, this.root],
    ];
  }
}

/** Unpacks the packages once for all contenders; returns the folder that represents their old root. */
async function unpackedSource({ sharedFolder }: OpenContext, input: CacheInput): Promise<string> {
  const folder = join(sharedFolder, 'unpacked');
  if (!existsSync(folder)) {
    mkdirSync(folder);
    for (const tarball of input.tarballs)
      await measureCommand({ program: 'tar', args: ['-xzf', tarball, '-C', folder] });
  }
  return join(folder, onlyPackage(input).oldRoot);
}

function onlyPackage({ places, facts }: CacheInput): ExpectedPackage {
  const [first, ...others] = places.values();
  if (first === undefined || others.length > 0) throw new TypeError(`"${facts.name}" is not one package`);
  return first;
}

/** `relocateAnyTree` in a warm process: it reads every file, since nothing says which ones to change. */
export function warmRelocation(engine: EngineName): Contender {
  return {
    name: `warm ${engine}`,
    async open(context) {
      const missing = missingEngine(engine, context);
      if (missing !== undefined) return missing;
      const input = requireCache(context.input);
      const source = await unpackedSource(context, input);
      const session = new Session();
      return {
        prepare: async (turn) => new MovedTree(source, turn).copy(),
        async run(turn) {
          const tree = new MovedTree(source, turn);
          const mapping = tree.mapping(onlyPackage(input));
          const sample = await session.run({ type: 'relocate', tree: tree.root, mapping, engine });
          return { sample, verify: (depth) => installedVerdict(tree.root, depth, { input }) };
        },
        close: () => session.close(),
      };
    },
  };
}

/** `regraft relocate` as users run it. */
export function relocateProcess(engine: EngineName): Contender {
  return commandContender(`regraft relocate, ${engine}`, (context) => {
    const missing = missingEngine(engine, context);
    if (missing !== undefined) return missing;
    const environment = {
      ...ownEnvironment(context.workFolder, context.environment),
      REGRAFT_ENGINE: engine,
    };
    return (tree, place) => {
      const maps = tree.mapping(place).map((pair) => pair.join('='));
      const args = [MAIN, 'relocate', tree.root, '--map', ...maps];
      return { program: process.execPath, args, environment };
    };
  });
}

/** Python's `re` over the files that the buildinfo lists, as Spack relocates. */
export function pythonRelocation(): Contender {
  return commandContender('Python re, listed files only', () => {
    return (
      missingPython() ??
      ((tree, { prefix, oldRoot }) => {
        const args = [
          scriptPath('install.py'),
          '--relocate',
          tree.root,
          tree.root + prefix.slice(oldRoot.length),
        ];
        return { program: PYTHON, args };
      })
    );
  });
}

type MakeCommand = (tree: MovedTree, place: ExpectedPackage) => Command;

function commandContender(name: string, prepare: (context: OpenContext) => MakeCommand | Missing): Contender {
  return {
    name,
    async open(context) {
      const commandFor = prepare(context);
      if (typeof commandFor !== 'function') return commandFor;
      const input = requireCache(context.input);
      const source = await unpackedSource(context, input);
      return {
        prepare: async (turn) => new MovedTree(source, turn).copy(),
        async run(turn) {
          const tree = new MovedTree(source, turn);
          const { sample } = await measureCommand(commandFor(tree, onlyPackage(input)));
          return { sample, verify: (depth) => installedVerdict(tree.root, depth, { input }) };
        },
      };
    },
  };
}
