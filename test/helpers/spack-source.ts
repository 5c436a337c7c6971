// Packages for round trips with a real Spack: a store that has them, and recipes for the other side.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FIXTURES_V2V3 } from '../spec/spec-samples.js';
import { temporaryFolder } from '../store/temporary-folder.js';
import { runHere } from './program-run.js';
import { collectRecipes, SpackPeer } from './spack-peer.js';

export const PACK = FIXTURES_V2V3 ?? '';
export const SECRET = join(PACK, 'keys/fixture-key.secret.asc');
export const KEYRING = join(PACK, 'keys/fixture-key.pub');
export const ROOTS = ['toolgamma', 'interpuser', 'newtop'];
export const PROJECTION = '{architecture}/{compiler.name}-{compiler.version}/{name}-{version}-{hash}';

export type Mirrors = Record<string, Record<string, unknown>>;

/** Packages in a store whose paths have room, so that any other root can hold them. */
export class SpackSource {
  readonly folder: string;
  readonly recipes: string;
  readonly root: string;
  readonly spack: string;
  /** Of both sides. */
  environment: Readonly<Record<string, string>> = {};

  static async make(
    test: TestContext,
    spack: string,
    { cache = 'layout3-padded-signed', roots = ROOTS as readonly string[] } = {},
  ): Promise<SpackSource> {
    const source = new SpackSource(temporaryFolder(test), spack);
    await source.#fill(cache, roots);
    return source;
  }

  private constructor(folder: string, spack: string) {
    this.folder = folder;
    this.spack = spack;
    this.recipes = join(folder, 'recipes');
    // The helper of long scripts lies in the root without its padding: that path has to have room too.
    this.root = join(folder, 'a-source-with-a-path-that-is-longer-than-those-it-is-installed-to');
  }

  async #fill(cache: string, roots: readonly string[]): Promise<void> {
    const from = ['-m', join(PACK, 'caches', cache), '-k', KEYRING];
    const into = ['--padded-length', '230', '--projection', PROJECTION, '--spack-prefix', this.root];
    const report = await this.regraft(
      'install',
      ...roots,
      ...from,
      ...into,
      '-r',
      this.root,
      '--json',
      '--full-paths',
    );
    const { packages, root } = JSON.parse(report) as {
      packages: { prefix: string }[];
      root: string;
    };
    Object.assign(this, { root });
    collectRecipes(
      packages.map(({ prefix }) => prefix),
      this.recipes,
    );
  }

  async regraft(...args: string[]): Promise<string> {
    const { exitCode, out, err } = await runHere(args, {
      folder: this.folder,
      environment: this.environment,
    });
    assert.equal(exitCode, 0, `${args.join(' ')}\n${out}${err}`);
    return out;
  }

  /** Pushes from the source's store, or another. */
  push(mirror: string, ...how: string[]): Promise<string> {
    const all = ['push', ...ROOTS, '-m', mirror, '--layout', '3', '--update-index', ...how];
    return this.regraft(...all, ...(how.includes('-r') ? [] : ['-r', this.root]));
  }

  peer(test: TestContext, { name, mirrors, keys = [] }: { name: string; mirrors: Mirrors; keys?: string[] }) {
    const { spack, folder, recipes, environment } = this;
    const peer = new SpackPeer({
      spack,
      folder: join(folder, name),
      root: join(folder, 'opt'),
      recipes,
      mirrors,
      keys,
      environment,
    });
    test.after(() => peer.close());
    return (...args: string[]): string => {
      const { status, output } = peer.run(...args);
      assert.equal(status, 0, `spack ${args.join(' ')}\n${output}`);
      return output;
    };
  }
}
