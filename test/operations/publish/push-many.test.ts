// Many processes push to one mirror at the same time, and some are killed: what a push finished is in the index, no metadata lacks its
// content, and prune finds what the killed ones left. REGRAFT_WRITERS names more processes, packages of each and rounds, as in 16x25x20.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeS3 } from '../../helpers/fake-s3.js';
import { type ProgramResult, resultOf, startProgram } from '../../helpers/program-run.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { makeSmallStore, type SmallStore } from '../../helpers/small-store.js';

const [PROCESSES = 5, PACKAGES = 3, ROUNDS = 1] = (process.env.REGRAFT_WRITERS ?? '5x3x1')
  .split('x')
  .map(Number);
/** Of the processes, in every second round. */
const KILLED = 0.3;

type Place = (
  t: TestContext,
  folder: string,
) => Promise<{
  readonly mirror: string;
  readonly environment: Readonly<Record<string, string>>;
}>;

const inFolder: Place = async (_, folder) => {
  const mirror = join(folder, 'mirror');
  mkdirSync(mirror);
  return { mirror, environment: {} };
};

const inBucket: Place = async (t) => {
  const fake = await FakeS3.start({ pageSize: 1000 });
  fake.writes = Date.now;
  t.after(() => fake.close());
  return { mirror: 's3://bucket/mirror', environment: fake.environment };
};

const PLACES: readonly (readonly [string, 1 | 3, Place])[] = [
  ['a folder of layout 1', 1, inFolder],
  ['a folder of layout 3', 3, inFolder],
  ['a bucket of layout 3', 3, inBucket],
];

/** Names in letters, without the one that made-up hashes are padded with. */
function nameOf(number: number): string {
  return `p${String(number).replace(/\d/g, (digit) => 'bcdefghijk'[Number(digit)] ?? '')}`;
}

function makeStore(t: TestContext): SmallStore {
  const names = Array.from({ length: PROCESSES * PACKAGES }, (_, n) => nameOf(n));
  const files = (name: string) => ({ [`share/${name}.txt`]: `${name}\n`.repeat(500) });
  const rest = Object.fromEntries(names.map((name) => [name, { files: files(name) }]));
  return makeSmallStore(t, { all: { dependencies: names }, ...rest });
}

for (const [name, layout, open] of PLACES) {
  test(`pushes of many processes lose nothing in ${name}, though some are killed`, {
    timeout: 1_800_000,
  }, async (t) => {
    const store = makeStore(t);
    const random = new SeededRandom(5);
    for (let round = 0; round < ROUNDS; round++) {
      const folder = join(store.folder, `round-${round}`);
      mkdirSync(folder);
      const { mirror, environment } = await open(t, folder);
      const program = { folder, environment };
      const run = (...args: string[]): Promise<ProgramResult> => resultOf(startProgram(args, program));
      const push = async (number: number): Promise<string[]> => {
        const names = Array.from({ length: PACKAGES }, (_, n) => nameOf(number * PACKAGES + n));
        const how = ['--only', 'package', '--unsigned', '--update-index', '--layout', String(layout)];
        const child = startProgram(
          ['push', ...names, '-m', mirror, '-r', store.root, ...how, '--json=lines'],
          program,
        );
        const isKilled = round % 2 === 1 - (ROUNDS % 2) && random.between(0, 99) < 100 * KILLED;
        // Somewhere in its work: each line is an event of it.
        const deadline = random.between(1, 3 * PACKAGES);
        let events = 0;
        if (isKilled)
          child.stdout?.on('data', (text: string) => {
            events += String(text).split('\n').length - 1;
            if (events >= deadline) child.kill('SIGKILL');
          });
        const { exitCode, err } = await resultOf(child);
        assert.ok(exitCode === 0 || (isKilled && exitCode === null), err);
        return exitCode === 0 ? names : [];
      };
      const finished = (await Promise.all(Array.from({ length: PROCESSES }, (_, n) => push(n)))).flat();
      const listed = await run('list', '-m', mirror, '--json');
      const { packages } = JSON.parse(listed.out) as { packages: { name: string }[] };
      const offered = new Set(packages.map((each) => each.name));
      assert.deepEqual(
        finished.filter((each) => !offered.has(each)),
        [],
        `round ${round}`,
      );
      await checkWhole(run, mirror, layout);
    }
  });
}

type Run = (...args: string[]) => Promise<ProgramResult>;

/** What killed pushes left is found: their packages get into the index, their contents are pruned, and nothing is left to be told. */
async function checkWhole(run: Run, mirror: string, layout: 1 | 3): Promise<void> {
  const prune = ['mirror', 'prune', mirror, '--age', '0'];
  const check = ['mirror', 'check', mirror, '--deep', '--no-check-signature'];
  for (const args of [['index', mirror], ...(layout === 3 ? [prune, check] : [])]) {
    const { exitCode, out, err } = await run(...args);
    assert.equal(exitCode, 0, `${args.join(' ')}\n${out}${err}`);
  }
}
