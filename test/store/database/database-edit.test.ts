import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DagHash, Spec } from '../../../src/spec/spec.js';
import { subSpec } from '../../../src/spec/traverse.js';
import { DatabaseEdit, type InstalledPackage } from '../../../src/store/database/database-edit.js';
import {
  type DatabaseContent,
  emptyDatabase,
  formatDatabase,
  nodeOfRecord,
  parseDatabase,
} from '../../../src/store/database/database-file.js';
import { buildSpec, hashOf, type PackageSketch } from '../spec-builder.js';

function add(edit: DatabaseEdit, spec: Spec, more: Partial<InstalledPackage> = {}): void {
  edit.addInstalled({
    spec,
    prefix: `/root/${spec.root.name}`,
    explicit: false,
    installationTime: 1,
    pathOf: (node) => `/root/${node.name}`,
    ...more,
  });
}

function summary(edit: DatabaseEdit): Record<string, string> {
  const content = edit.content();
  const rows = Array.from(content.records.values(), (record) => {
    const flags = `${record.installed ? 'installed' : 'missing'}${record.explicit ? ' explicit' : ''}`;
    return [nodeOfRecord(record, content.version).name, `${flags} ${record.refCount} ${record.path}`];
  });
  return Object.fromEntries(rows) as Record<string, string>;
}

const TOOL = buildSpec({
  tool: { dependencies: ['cmake:build', 'ext', 'zlib:build,link', 'only:test'] },
  cmake: { dependencies: ['ncurses'] },
  ncurses: {},
  ext: { external: '/usr' },
  zlib: {},
  only: {},
});

test('DatabaseEdit.addInstalled records dependencies of every type but test, dependencies first', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  add(edit, TOOL, { explicit: true });
  assert.deepEqual(Object.entries(summary(edit)), [
    ['ncurses', 'missing 1 /root/ncurses'],
    ['cmake', 'missing 1 /root/cmake'],
    ['ext', 'installed 1 /usr'],
    ['zlib', 'missing 1 /root/zlib'],
    ['tool', 'installed explicit 0 /root/tool'],
  ]);
});

test('DatabaseEdit.addInstalled writes records as Spack does', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  add(edit, buildSpec({ zlib: {} }), { installationTime: 1700000000.25 });
  const parsed = JSON.parse(formatDatabase(edit.content()));
  assert.deepEqual(Object.keys(parsed.database.installs[hashOf('zlib')]), [
    'spec',
    'ref_count',
    'path',
    'installed',
    'explicit',
    'installation_time',
    'deprecated_for',
  ]);
  assert.equal(parsed.database.installs[hashOf('zlib')].spec.namespace, 'fixtures');
  assert.equal(parsed.database.installs[hashOf('zlib')].installation_time, 1700000000.25);
  assert.equal(parsed.database.installs[hashOf('zlib')].deprecated_for, null);
});

test('DatabaseEdit.addInstalled installs what was only recorded, at its recorded references', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  add(edit, TOOL);
  const cmake = TOOL.nodes.get(hashOf('cmake'));
  assert.ok(cmake);
  add(edit, subSpec(TOOL, cmake), { prefix: '/elsewhere/cmake', installationTime: 9 });
  assert.equal(summary(edit).cmake, 'installed 1 /elsewhere/cmake');
  assert.equal(edit.get(hashOf('cmake'))?.installationTime, 9);
  assert.equal(edit.records.size, 5);
});

test('DatabaseEdit.addInstalled does not forget that somebody asked for a package', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  add(edit, TOOL, { explicit: true });
  add(edit, TOOL);
  assert.equal(summary(edit).tool, 'installed explicit 0 /root/tool');
  edit.removeRecord(hashOf('tool'));
  add(edit, TOOL);
  assert.equal(summary(edit).tool, 'installed 0 /root/tool');
  assert.equal(edit.markExplicit(hashOf('tool')), true);
  assert.equal(edit.markExplicit(hashOf('tool')), false);
  assert.equal(edit.markExplicit(hashOf('zlib')), false);
  assert.equal(edit.markExplicit(hashOf('nothing')), false);
});

test('DatabaseEdit.addInstalled leaves what an upstream store has to it', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  add(edit, TOOL, { isUpstream: (node) => node.name === 'cmake' });
  assert.deepEqual(Object.keys(summary(edit)), ['ext', 'zlib', 'tool']);
  // The upstream store is gone one day, and the package comes here: what depends on it counts.
  const cmake = TOOL.nodes.get(hashOf('cmake'));
  assert.ok(cmake);
  add(edit, subSpec(TOOL, cmake));
  assert.equal(summary(edit).cmake, 'installed 1 /root/cmake');
});

test('DatabaseEdit.addInstalled believes a dependency that is there', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  add(edit, TOOL, { isPresent: (node, path) => path === '/root/zlib' && node.name === 'zlib' });
  assert.equal(summary(edit).zlib, 'installed 1 /root/zlib');
});

test('DatabaseEdit.addInstalled takes an external that only modules provide', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  add(edit, buildSpec({ tool: { dependencies: ['mpi'] }, mpi: { external: null } }));
  assert.equal(summary(edit).mpi, 'installed 1 undefined');
  assert.equal(JSON.parse(formatDatabase(edit.content())).database.installs[hashOf('mpi')].path, null);
});

test('DatabaseEdit.removeRecord keeps what others need, and drops what nobody does', () => {
  const edit = new DatabaseEdit(emptyDatabase());
  const zlib = TOOL.nodes.get(hashOf('zlib'));
  assert.ok(zlib);
  add(edit, subSpec(TOOL, zlib));
  add(edit, TOOL);
  assert.equal(edit.removeRecord(hashOf('zlib')), true);
  assert.equal(summary(edit).zlib, 'missing 1 /root/zlib');
  add(edit, subSpec(TOOL, zlib));
  assert.equal(edit.removeRecord(hashOf('tool')), true);
  assert.deepEqual(summary(edit), { ext: 'installed 0 /usr', zlib: 'installed 0 /root/zlib' });
  assert.equal(edit.removeRecord(hashOf('tool')), false);
});

test('DatabaseEdit.removeRecord releases what a package was deprecated for', () => {
  const installs = (deprecated: unknown) => ({
    [hashOf('old')]: {
      spec: rawNode('old'),
      ref_count: 0,
      path: '/old',
      installed: false,
      deprecated_for: deprecated,
    },
    [hashOf('new')]: { spec: rawNode('new'), ref_count: 1, path: '/new', installed: true },
  });
  const edit = new DatabaseEdit(content('7', installs(hashOf('new'))));
  edit.removeRecord(hashOf('old'));
  assert.equal(edit.get(hashOf('new'))?.refCount, 0);
  assert.equal(edit.get(hashOf('new'))?.installed, true);
});

test('DatabaseEdit writes nodes in the format of the database that is there', () => {
  for (const [version, check] of [
    ['5', (spec: Record<string, unknown>) => 'tool' in spec],
    [
      '6',
      (spec: Record<string, unknown>) =>
        spec.name === 'tool' && JSON.stringify(spec).includes('"type":["link"]'),
    ],
    [
      '7',
      (spec: Record<string, unknown>) =>
        JSON.stringify(spec).includes('"deptypes":["link"]') && 'compiler' in spec,
    ],
    ['8', (spec: Record<string, unknown>) => 'annotations' in spec && !('compiler' in spec)],
  ] as const) {
    const edit = new DatabaseEdit(content(version, {}));
    add(edit, buildSpec({ tool: { dependencies: ['zlib'] }, zlib: {} }));
    const again = parseDatabase(formatDatabase(edit.content()), 'x');
    assert.equal(String(again.version), version);
    const record = again.records.get(hashOf('tool'));
    assert.ok(record && check(record.raw.spec as Record<string, unknown>), version);
    assert.deepEqual(
      nodeOfRecord(record, again.version).dependencies.map((edge) => edge.hash),
      [hashOf('zlib')],
    );
  }
});

test('DatabaseEdit leaves records that it cannot read as they are', () => {
  const odd = { spec: { name: 5 }, ref_count: 0, path: '/odd', installed: true, more: 'kept' };
  const edit = new DatabaseEdit(content('7', { odd }));
  add(edit, buildSpec({ zlib: {} }));
  assert.deepEqual(JSON.parse(formatDatabase(edit.content())).database.installs.odd, odd);
});

test('DatabaseEdit keeps reference counts equal to the edges of all records', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const sketches = fc.array(fc.array(fc.nat(5), { maxLength: 4 }), { minLength: 6, maxLength: 6 });
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { maxLength: 14 });
  fc.assert(
    fc.property(sketches, steps, (edges, actions) => {
      // Only towards later names, so that there is no cycle.
      const graph: Record<string, PackageSketch> = Object.fromEntries(
        names.map((name, index) => [
          name,
          {
            dependencies: [...new Set(edges[index])]
              .filter((to) => to > index)
              .map((to) => `${names[to]}:link,run`),
          },
        ]),
      );
      const edit = new DatabaseEdit(emptyDatabase());
      for (const [adds, index] of actions) {
        const name = names[index] ?? '';
        if (adds) add(edit, buildSpec(closure(graph, name)));
        else edit.removeRecord(hashOf(name));
        checkCounts(edit.content());
      }
    }),
    { seed: 7, numRuns: 200 },
  );
});

/** A package first, then everything that it needs. */
function closure(graph: Record<string, PackageSketch>, name: string): Record<string, PackageSketch> {
  const found: Record<string, PackageSketch> = {};
  const visit = (current: string): void => {
    if (current in found) return;
    found[current] = graph[current] ?? {};
    for (const edge of graph[current]?.dependencies ?? []) visit(edge.split(':')[0] ?? '');
  };
  visit(name);
  return found;
}

function checkCounts(content: DatabaseContent): void {
  const counts = new Map<DagHash, number>();
  for (const record of content.records.values())
    for (const { hash } of nodeOfRecord(record, content.version).dependencies)
      counts.set(hash, (counts.get(hash) ?? 0) + 1);
  for (const record of content.records.values()) {
    assert.equal(record.refCount, counts.get(record.hash) ?? 0);
    assert.ok(record.installed || record.refCount > 0, 'nobody needs a record that is not installed');
  }
}

function content(version: string, installs: unknown): DatabaseContent {
  return parseDatabase(JSON.stringify({ database: { version, installs } }), 'x');
}

function rawNode(name: string): unknown {
  return buildSpec({ [name]: {} }).root.raw;
}
