// Real Spacks as peers. REGRAFT_SPACK_1 names the folders of Spacks 1.x, separated by colons, REGRAFT_SPACK_0 those of 0.22; REGRAFT_SPACK_PEER
// a script that runs one of them with a store, recipes, mirrors and keys of its own; REGRAFT_SPACK_PYTHON the Python for both (with clingo, and boto3 for buckets).
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const {
  REGRAFT_SPACK_0,
  REGRAFT_SPACK_1,
  REGRAFT_SPACK_PEER,
  REGRAFT_SPACK_PYTHON = 'python3',
} = process.env;

/** The folders of the Spacks 1.x that are here. */
export const SPACKS: readonly string[] = foldersIn(REGRAFT_SPACK_1);

/** The folders of the Spacks 0.22 that are here. */
export const OLD_SPACKS: readonly string[] = foldersIn(REGRAFT_SPACK_0);

function foldersIn(list: string | undefined): readonly string[] {
  return REGRAFT_SPACK_PEER === undefined ? [] : (list?.split(':') ?? []).filter((path) => path !== '');
}

/** Why tests with them cannot run; false where they can. */
export const NO_SPACK: string | false =
  SPACKS.length > 0 ? false : 'skipped: REGRAFT_SPACK_1 and REGRAFT_SPACK_PEER do not name a Spack';

export interface SpackPeerOptions {
  /** Where that Spack is. */
  readonly spack: string;
  /** Its configuration, keyring and caches go here; a short path, for the socket of its gpg-agent. */
  readonly folder: string;
  readonly root: string;
  readonly recipes: string;
  /** Their settings by name, as in `mirrors.yaml`. */
  readonly mirrors: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly keys?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface PeerAnswer {
  readonly status: number | null;
  readonly output: string;
}

export class SpackPeer {
  readonly #options: SpackPeerOptions;

  constructor(options: SpackPeerOptions) {
    mkdirSync(options.folder, { recursive: true });
    writeFileSync(join(options.folder, 'given.yaml'), JSON.stringify({ 'mirrors:': options.mirrors }));
    this.#options = options;
  }

  run(...args: readonly string[]): PeerAnswer {
    const { spack, folder, root, recipes, keys = [], environment = {} } = this.#options;
    const { status, stdout, stderr } = spawnSync(
      REGRAFT_SPACK_PYTHON,
      [
        ...[REGRAFT_SPACK_PEER ?? '', '--spack', spack, '--work', folder, '--root', root],
        ...['--recipes', recipes, '--namespace', 'fixtures', '--mirrors', join(folder, 'given.yaml')],
        ...keys.flatMap((key) => ['--key', key]),
        ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
        '--',
        ...args,
      ],
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    return { status, output: `${stdout}${stderr}` };
  }

  /** Ends what it left running. */
  close(): void {
    spawnSync('gpgconf', ['--homedir', join(this.#options.folder, 'gnupg'), '--kill', 'all']);
  }
}

/** Which Spack that is. */
export function versionOf(spack: string): string {
  const text = readFileSync(join(spack, 'lib/spack/spack/__init__.py'), 'utf8');
  return /__version__ = "([^"]*)"/.exec(text)?.[1] ?? 'unknown';
}

/** Collects the recipes that installed packages carry with them. */
export function collectRecipes(prefixes: readonly string[], folder: string): void {
  for (const prefix of prefixes) {
    const repositories = join(prefix, '.spack/repos');
    if (!existsSync(repositories)) continue;
    for (const name of readdirSync(repositories, { recursive: true, encoding: 'utf8' })) {
      const recipe = /packages\/([^/]+)\/package\.py$/.exec(name)?.[1];
      if (recipe === undefined) continue;
      cpSync(join(repositories, name, '..'), join(folder, recipe), { recursive: true });
    }
  }
}
