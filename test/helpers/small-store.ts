// Small stores built in code: packages with files, their spec.json, and the database that a Spack would have for them.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fromLatin1 } from '../../src/core/bytes.js';
import { openStore } from '../../src/operations/open-store.js';
import type { DagHash, Spec } from '../../src/spec/spec.js';
import { allNodes, subSpec } from '../../src/spec/traverse.js';
import type { Store } from '../../src/store/store.js';
import { buildSpec, hashOf, type PackageSketch } from '../store/spec-builder.js';

export interface StoredPackage extends PackageSketch {
  /** False: only recorded. */
  readonly installed?: boolean;
  /** Contents by path; paths are byte strings. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export interface SmallStore {
  /** A folder of the test's own; the store is below it. */
  readonly folder: string;
  readonly root: string;
  open(): Store;
  spec(name: string): Spec;
  prefixOf(name: string): string;
}

/** Makes a store whose packages are removed when the test ends; the first package must reach all others. */
export function makeSmallStore(
  test: TestContext,
  packages: Readonly<Record<string, StoredPackage>>,
): SmallStore {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'regraft-small-store-')));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, 'opt');
  const spec = buildSpec(packages);
  const prefixOf = (name: string) =>
    join(root, 'linux-debian12-x86_64', 'gcc-12.2.0', `${name}-1.0-${hashOf(name)}`);
  const store: SmallStore = {
    folder,
    root,
    prefixOf,
    open: () => openStore({ root, spackPrefix: '/spack', environment: {} }),
    spec: (name) => subSpec(spec, nodeNamed(spec, name)),
  };
  for (const [name, sketch] of Object.entries(packages)) {
    if (sketch.external === undefined && sketch.installed !== false) writePackage(store, name, sketch);
  }
  writeDatabase(store, spec, packages);
  return store;
}

function nodeNamed(spec: Spec, name: string) {
  const node = spec.nodes.get(hashOf(name) as DagHash);
  if (node === undefined) throw new Error(`no package ${name}`);
  return node;
}

function writePackage(store: SmallStore, name: string, { files = {} }: StoredPackage): void {
  const nodes = allNodes(store.spec(name)).map((node) => node.raw);
  const specJson = JSON.stringify({ spec: { _meta: { version: 4 }, nodes } });
  for (const [path, content] of Object.entries({ '.spack/spec.json': specJson, ...files }))
    writeFileAt(`${store.prefixOf(name)}/${path}`, content);
}

/** Writes a file whose path is a byte string, with the folders above it. */
export function writeFileAt(path: string, content: string | Uint8Array): void {
  mkdirSync(Buffer.from(fromLatin1(dirname(path))), { recursive: true });
  writeFileSync(Buffer.from(fromLatin1(path)), content);
}

function writeDatabase(
  store: SmallStore,
  spec: Spec,
  packages: Readonly<Record<string, StoredPackage>>,
): void {
  const installs = Object.fromEntries(
    [...spec.nodes.values()].map((node) => {
      const sketch = packages[node.name];
      const path = sketch?.external ?? store.prefixOf(node.name);
      const installed = sketch?.installed !== false;
      const facts = { ref_count: 0, explicit: true, installation_time: 1, deprecated_for: null };
      return [node.hash, { spec: node.raw, path, installed, ...facts }];
    }),
  );
  const database = { database: { version: '7', installs } };
  writeFileAt(join(store.root, '.spack-db', 'index.json'), JSON.stringify(database));
}
