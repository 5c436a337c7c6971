// How many requests a bucket gets, for a run and for a package, beside those of a real Spack (SPACK-1.md §3). One more for each package is
// paid by everybody who uses a bucket far away.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeS3 } from '../helpers/fake-s3.js';
import { runHere } from '../helpers/program-run.js';
import { makeSmallStore } from '../helpers/small-store.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

interface Counted {
  readonly run: (...args: string[]) => Promise<readonly string[]>;
  readonly root: string;
  readonly other: string;
}

/** A store with so many packages, and a program whose requests are told. */
async function counted(t: TestContext, packages: number): Promise<Counted> {
  const names = NAMES.slice(1, packages);
  const files = (name: string) => ({ [`share/${name}`]: `${name}\n` });
  const rest = Object.fromEntries(names.map((name) => [name, { files: files(name) }]));
  const store = makeSmallStore(t, { a: { dependencies: names, files: files('a') }, ...rest });
  const fake = await FakeS3.start({ pageSize: 1000 });
  t.after(() => fake.close());
  const run = async (...args: string[]): Promise<readonly string[]> => {
    fake.log.length = 0;
    const { exitCode, out, err } = await runHere(args, {
      folder: store.folder,
      environment: fake.environment,
    });
    assert.equal(exitCode, 0, `${args.join(' ')}\n${out}${err}`);
    return [...fake.log];
  };
  return { run, root: store.root, other: join(store.folder, 'other') };
}

type Step = 'push' | 'push again' | 'index' | 'update' | 'install';
const STEPS: readonly Step[] = ['push', 'push again', 'index', 'update', 'install'];

async function countSteps(
  t: TestContext,
  packages: number,
  layout: 2 | 3,
): Promise<Record<Step, readonly string[]>> {
  const { run, root, other } = await counted(t, packages);
  const push = ['push', 'a', '-m', 's3://bucket/m', '--layout', String(layout), '--unsigned', '-r', root];
  const into = ['-m', 's3://bucket/m', '--no-check-signature', '-r', other];
  return {
    push: await run(...push),
    'push again': await run(...push),
    index: await run('index', 's3://bucket/m'),
    update: await run(...push, '--update-index'),
    install: await run('install', 'a', ...into),
  };
}

/**
 * Requests of a run, and for each package; beside them those of Spack 0.22.2 and 1.1.0 for each package. An install of layout 3 reads the
 * spec, too, whose digest is what is signed: the index, which tells the same, is not. One of layout 2 asks for a signature first, as
 * Spack does with packages that are signed. A push again looks at the specfile, too: Spack takes the tarball that a killed push left for the
 * package.
 */
const WANTED = {
  2: {
    push: { run: 0, each: 4, spack: 5 },
    'push again': { run: 0, each: 2, spack: undefined },
    index: { run: 12, each: 1, spack: 1 },
    update: { run: 6, each: 2, spack: undefined },
    install: { run: 6, each: 3, spack: undefined },
  },
  3: {
    push: { run: 4, each: 4, spack: 4 },
    'push again': { run: 0, each: 1, spack: 1 },
    index: { run: 9, each: 2, spack: 3 },
    update: { run: 6, each: 1, spack: undefined },
    install: { run: 5, each: 3, spack: undefined },
  },
} as const;

for (const layout of [2, 3] as const)
  test(`a bucket of layout ${layout} gets a known number of requests for a run and a package`, async (t) => {
    const few = await countSteps(t, 2, layout);
    const many = await countSteps(t, NAMES.length, layout);
    for (const step of STEPS) {
      const { run, each, spack } = WANTED[layout][step];
      assert.equal(few[step].length, run + 2 * each, `${step}:\n${few[step].join('\n')}`);
      assert.equal(many[step].length, run + NAMES.length * each, `${step}:\n${many[step].join('\n')}`);
      assert.ok(spack === undefined || each <= spack, step);
    }
  });
