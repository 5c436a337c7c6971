// Replays the installations that the real Spack did, and compares the databases (times and `explicit` aside).
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import { Projections } from '../../../src/spec/projection.js';
import type { Spec } from '../../../src/spec/spec.js';
import { installOrder, subSpec } from '../../../src/spec/traverse.js';
import { DatabaseEdit } from '../../../src/store/database/database-edit.js';
import {
  type DatabaseContent,
  emptyDatabase,
  formatDatabase,
  readDatabaseFile,
} from '../../../src/store/database/database-file.js';

const fixtures = process.env.REGRAFT_FIXTURES;
const skip = fixtures === undefined ? 'REGRAFT_FIXTURES is not set' : false;

interface Scenario {
  readonly name: string;
  readonly folder: string;
  readonly specs: ReadonlyMap<string, Spec>;
}

function readSpecs(folder: string): Map<string, Spec> {
  const specs = readdirSync(folder).map((name) =>
    parseSpecDictionary(JSON.parse(readFileSync(join(folder, name), 'utf8')), name),
  );
  return new Map(specs.map((spec) => [spec.root.name, spec]));
}

function scenarios(root: string, specs: ReadonlyMap<string, Spec>, wanted: RegExp): Scenario[] {
  const golden = join(root, 'golden');
  return readdirSync(golden)
    .filter((name) => wanted.test(name) && existsSync(join(golden, name, 'db-index.json')))
    .map((name) => ({ name, folder: join(golden, name), specs }));
}

/** What was asked for, in its order; the words before are the command and its options. */
function roots({ folder, specs }: Scenario): Spec[] {
  const words = readFileSync(join(folder, 'command.txt'), 'utf8').trim().split(/\s+/);
  return words.map((word) => specs.get(word)).filter((spec) => spec !== undefined);
}

/** Store D has a projection of its own, store F that of Spack 1.x. */
function projectionsOf({ name }: Scenario): Projections {
  if (name.startsWith('d-')) return new Projections([['all', '{name}/{hash:7}']]);
  if (name.startsWith('f-'))
    return new Projections([
      ['all', '{architecture.platform}-{architecture.target}/{name}-{version}-{hash}'],
    ]);
  return Projections.default();
}

/** Installs in the order of `spack buildcache install`, as far as the golden got. */
function replay(scenario: Scenario, expected: DatabaseContent): DatabaseContent {
  const root = readFileSync(join(scenario.folder, 'store-root.txt'), 'utf8').trim();
  const projections = projectionsOf(scenario);
  const edit = new DatabaseEdit(emptyDatabase(expected.version));
  for (const spec of roots(scenario)) {
    for (const node of installOrder(spec)) {
      if (expected.records.get(node.hash)?.installed !== true || node.external !== undefined) continue;
      if (edit.get(node.hash)?.installed === true) continue;
      const own = subSpec(spec, node);
      edit.addInstalled({
        spec: own,
        prefix: join(root, projections.pathOf(node, own)),
        explicit: false,
        installationTime: 0,
        pathOf: (dependency) => join(root, projections.pathOf(dependency, subSpec(spec, dependency))),
      });
    }
  }
  return edit.content();
}

function comparable(text: string): unknown {
  const { database } = JSON.parse(text) as {
    database: { version: string; installs: Record<string, object> };
  };
  const records = Object.entries(database.installs).map(([hash, record]) => [
    hash,
    { ...record, explicit: null, installation_time: null },
  ]);
  return { ...database, installs: Object.fromEntries(records) };
}

function compare(scenario: Scenario, isInOrder: boolean): void {
  const path = join(scenario.folder, 'db-index.json');
  const expected = readDatabaseFile(path);
  assert.ok(expected);
  const written = formatDatabase(replay(scenario, expected));
  const golden = readFileSync(path, 'utf8');
  assert.deepEqual(comparable(written), comparable(golden));
  if (isInOrder)
    assert.deepEqual(
      Object.keys(JSON.parse(written).database.installs),
      Object.keys(JSON.parse(golden).database.installs),
    );
}

test('the databases of all goldens come out again', { skip }, (context) => {
  const root = fixtures ?? '';
  const specs = readSpecs(join(root, 'specs'));
  const found = scenarios(root, specs, /./);
  context.diagnostic(`${found.length} scenarios`);
  assert.ok(found.length >= 15);
  for (const scenario of found) compare(scenario, !/spack-install|oci$/.test(scenario.name));
});

test('the databases of the goldens of layouts 1 and 2 come out again', { skip }, (context) => {
  const root = join(fixtures ?? '', '..', 'fixtures-v2v3');
  if (!existsSync(root)) return context.skip('there is no folder "fixtures-v2v3" beside the fixtures');
  const specs = new Map([...readSpecs(join(fixtures ?? '', 'specs')), ...readSpecs(join(root, 'specs'))]);
  const found = scenarios(root, specs, /-layout[12]-/);
  context.diagnostic(`${found.length} scenarios`);
  assert.ok(found.length >= 10);
  for (const scenario of found) compare(scenario, !/spack-install/.test(scenario.name));
});

test('databases of version 8 take packages as Spack 1.1 does', { skip }, (context) => {
  const root = join(fixtures ?? '', '..', 'fixtures-v2v3');
  if (!existsSync(root)) return context.skip('there is no folder "fixtures-v2v3" beside the fixtures');
  const specs = new Map([...readSpecs(join(fixtures ?? '', 'specs')), ...readSpecs(join(root, 'specs'))]);
  const found = scenarios(root, specs, /-layout3-/);
  assert.ok(found.length >= 10);
  for (const scenario of found) compare(scenario, false);
});
