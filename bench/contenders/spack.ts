// The real Spack, if `SPACK_ROOT` names one: `spack buildcache install`, with its configuration in a temporary folder.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Contender, Missing, OpenContext, Runner } from '../case.js';
import { type CacheInput, requireCache } from '../inputs/case-input.js';
import { type CommandResult, measureCommand } from '../measure/command.js';
import type { Environment } from './surroundings.js';
import { installedVerdict } from './tree-verdict.js';

/** Installs the packages of the case without checking signatures, since the mirrors' packages are unsigned. */
export function spackInstall(): Contender {
  return {
    name: 'Spack',
    async open(context) {
      const found = spackRootOf(context.environment);
      if (typeof found !== 'string') return found;
      return openSpack(new SpackSetup(context, found), requireCache(context.input));
    },
  };
}

/** The path of the Spack to compare with, or why there is none. */
export function spackRootOf({ SPACK_ROOT: root }: Environment): string | Missing {
  if (!root) return { missing: 'SPACK_ROOT is not set' };
  return existsSync(join(root, 'bin', 'spack')) ? root : { missing: `there is no Spack in "${root}"` };
}

function openSpack(spack: SpackSetup, input: CacheInput): Runner {
  return {
    async run({ folder }) {
      const root = join(folder, 'opt');
      const { sample } = await spack.run(root, [
        'buildcache',
        'install',
        '--unsigned',
        '--otherarch',
        ...input.queries,
      ]);
      return { sample, verify: (depth) => installedVerdict(root, depth, { input }) };
    },
  };
}

/** Scopes, caches and recipes in a folder that belongs to the benchmark. */
export class SpackSetup {
  readonly #folder: string;
  readonly #program: string;
  readonly #environment: Environment;

  constructor({ workFolder, environment, input }: OpenContext, spackRoot: string) {
    this.#folder = join(workFolder, 'spack');
    this.#program = join(spackRoot, 'bin', 'spack');
    this.#environment = {
      ...environment,
      HOME: join(this.#folder, 'home'),
      SPACK_USER_CONFIG_PATH: join(this.#folder, 'config'),
      SPACK_USER_CACHE_PATH: join(this.#folder, 'cache'),
      SPACK_GNUPGHOME: join(this.#folder, 'gnupg'),
      XDG_CACHE_HOME: join(this.#folder, 'xdg'),
      SPACK_DISABLE_LOCAL_CONFIG: undefined,
    };
    this.#writeConfig(requireCache(input));
  }

  /** Runs a command of Spack on the store below `root`. */
  run(root: string, args: readonly string[]): Promise<CommandResult> {
    const config = ['-c', `config:install_tree:root:${root}`];
    return measureCommand({
      program: 'python3',
      args: [this.#program, ...config, ...args],
      environment: this.#environment,
      folder: this.#folder,
    });
  }

  #writeConfig(input: CacheInput): void {
    const config = join(this.#folder, 'config');
    for (const each of ['home', 'config', 'gnupg']) {
      mkdirSync(join(this.#folder, each), { recursive: true, mode: 0o700 });
    }
    const repository = join(this.#folder, 'repository');
    writeRepository(repository, input.packages);
    const places = ['source_cache', 'build_stage', 'misc_cache'].map(
      (key) => `  ${key}: ${join(this.#folder, key)}\n`,
    );
    writeFileSync(join(config, 'config.yaml'), `config:\n  concretizer: original\n${places.join('')}`);
    writeFileSync(join(config, 'mirrors.yaml'), `mirrors:\n  bench: ${pathToFileURL(input.folder)}\n`);
    writeFileSync(join(config, 'repos.yaml'), `repos::\n- ${repository}\n`);
    writeFileSync(join(config, 'compilers.yaml'), COMPILERS);
  }
}

/** Spack looks for the compiler of a package that it installs. */
const COMPILERS = `compilers:
- compiler:
    spec: gcc@=12.2.0
    paths: {cc: /usr/bin/gcc, cxx: /usr/bin/g++, f77: null, fc: null}
    flags: {}
    operating_system: debian12
    target: x86_64
    modules: []
    environment: {}
    extra_rpaths: []
`;

/** A recipe per package: Spack runs its install hooks, and asks the recipe for its name. */
function writeRepository(folder: string, packages: readonly string[]): void {
  mkdirSync(join(folder, 'packages'), { recursive: true });
  writeFileSync(join(folder, 'repo.yaml'), 'repo:\n  namespace: bench\n');
  for (const name of packages) {
    mkdirSync(join(folder, 'packages', name), { recursive: true });
    const className = name.charAt(0).toUpperCase() + name.slice(1);
    const recipe = `from spack.package import *\n\n\nclass ${className}(Package):\n    version("1.0")\n    has_code = False\n`;
    writeFileSync(join(folder, 'packages', name, 'package.py'), recipe);
  }
}
