// A package index of 100,000 packages: made from specfiles, used for the first time, used again, looked up, listed.
// `node dist/bench/index.js [--packages N] [--layout 1|3] [--folder DIR] [--keep]`. Each step is a process of its own, so that its peak memory counts.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatManifest } from '../src/buildcache/manifest/write-manifest.js';
import { formatSpecBlob } from '../src/buildcache/manifest/write-spec-blob.js';
import { IndexClient } from '../src/mirror/index/index-client.js';
import { blobPath, specManifestPath } from '../src/mirror/manifest/paths.js';
import { openMirror } from '../src/mirror/open-mirror.js';
import { indexMirror } from '../src/operations/publish/index-mirror.js';
import { listPackages } from '../src/operations/query/list.js';
import { SeededRandom } from '../test/helpers/seeded-random.js';
import { hashOf, nameOfPackage, nodesOf } from './inputs/index-input.js';
import { residentMemory } from './measure/peak-memory.js';

const { values } = parseArgs({
  options: {
    packages: { type: 'string', default: '100000' },
    layout: { type: 'string', default: '1' },
    folder: { type: 'string' },
    keep: { type: 'boolean', default: false },
    step: { type: 'string' },
  },
});

const LOOKUPS = 2000;
const NO_DIGEST = '0'.repeat(64);

const count = Number(values.packages);

const steps: Readonly<Record<string, (folder: string) => Promise<Readonly<Record<string, unknown>>>>> = {
  async generate(folder) {
    const write = values.layout === '3' ? writeManifest : writeSpecfile;
    for (let n = 0; n < count; n++) write(join(folder, 'mirror'), n);
    return { specfiles: count, layout: values.layout };
  },

  async index(folder) {
    const { packages, records, size, unreadable } = await indexMirror({ mirror: await mirrorIn(folder) });
    if (packages !== count || records !== count || unreadable.length > 0)
      throw new Error(`${packages} of ${count}`);
    return { megabytes: Math.round(size / 1e6) };
  },

  async 'first use'(folder) {
    rmSync(join(folder, 'cache'), { recursive: true, force: true });
    const catalog = await load(folder);
    return { name: catalog.find(hashOf(count >> 1))?.node.name };
  },

  async 'next use'(folder) {
    const catalog = await load(folder);
    return { name: catalog.find(hashOf(count >> 1))?.node.name };
  },

  async lookups(folder) {
    const catalog = await load(folder);
    const random = new SeededRandom(1);
    const microseconds: number[] = [];
    for (let i = 0; i < LOOKUPS; i++) {
      const hash = hashOf(random.below(count));
      const start = performance.now();
      if (catalog.find(hash)?.node.hash !== hash) throw new Error(hash);
      microseconds.push((performance.now() - start) * 1000);
    }
    microseconds.sort((a, b) => a - b);
    const at = (part: number) => Math.round(microseconds[Math.floor(LOOKUPS * part)] ?? 0);
    return { median: at(0.5), p99: at(0.99), unit: 'µs' };
  },

  async 'query by name'(folder) {
    const catalog = await load(folder);
    const { length: found } = listPackages({ catalog, queries: ['package-17 %gcc@12'] });
    const expected = packagesWith({ name: 'package-17', compiler: '12.2.0' });
    if (found !== expected) throw new Error(`${found} of ${expected}`);
    return { found };
  },

  async 'list everything'(folder) {
    const catalog = await load(folder);
    return { listed: listPackages({ catalog, queries: [] }).length };
  },
};

function packagesWith({ name, compiler }: { readonly name: string; readonly compiler: string }): number {
  let found = 0;
  for (let n = 0; n < count; n++)
    if (nameOfPackage(n) === name && nodesOf(n)[0]?.compiler.version === compiler) found++;
  return found;
}

function writeSpecfile(mirror: string, n: number): void {
  const nodes = nodesOf(n);
  const specfile = {
    spec: { _meta: { version: 4 }, nodes },
    binary_cache_checksum: { hash_algorithm: 'sha256', hash: NO_DIGEST },
    buildcache_layout_version: 1,
  };
  const [node] = nodes;
  const name = `linux-debian12-x86_64_v3-gcc-${node?.compiler.version}-${node?.name}-${node?.version}-${node?.hash}`;
  writeBelow(mirror, `build_cache/${name}.spec.json`, JSON.stringify(specfile));
}

/** The manifest of a package and its spec blob; the tarball is not there. */
function writeManifest(mirror: string, n: number): void {
  const nodes = nodesOf(n);
  const specJson = JSON.stringify({ spec: { _meta: { version: 4 }, nodes } });
  const blob = formatSpecBlob(Buffer.from(specJson), 'spec.json');
  const sha256 = createHash('sha256').update(blob).digest('hex');
  const [node] = nodes;
  if (node === undefined) throw new TypeError('A package has a node');
  writeBelow(mirror, blobPath(sha256), blob);
  const manifest = formatManifest([
    { kind: 'tarball', size: 1, compression: 'gzip', sha256: NO_DIGEST },
    { kind: 'spec', size: blob.length, compression: 'gzip', sha256 },
  ]);
  writeBelow(mirror, specManifestPath(node), manifest);
}

function writeBelow(mirror: string, path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(join(mirror, path)), { recursive: true });
  writeFileSync(join(mirror, path), content);
}

function mirrorIn(folder: string) {
  return openMirror(join(folder, 'mirror'));
}

async function load(folder: string) {
  const client = new IndexClient({ cacheFolder: join(folder, 'cache'), mirrors: [await mirrorIn(folder)] });
  return (await client.load()).catalog;
}

async function runStep(name: string, folder: string): Promise<void> {
  const start = performance.now();
  const facts = await steps[name]?.(folder);
  const milliseconds = Math.round(performance.now() - start);
  const { user, system } = process.cpuUsage();
  const cpuMilliseconds = Math.round((user + system) / 1000);
  // The peak of getrusage(2) starts with that of the parent process.
  const peak = residentMemory('self')?.highest ?? process.resourceUsage().maxRSS * 1024;
  const peakMegabytes = Math.round(peak / 1e6);
  console.log(JSON.stringify({ step: name, milliseconds, cpuMilliseconds, peakMegabytes, ...facts }));
}

function runAll(): void {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'regraft-bench-index-'));
  const isMade = statSync(join(folder, 'mirror'), { throwIfNoEntry: false }) !== undefined;
  try {
    for (const step of Object.keys(steps)) {
      if (step === 'generate' && isMade) continue;
      const args = [
        fileURLToPath(import.meta.url),
        '--step',
        step,
        '--folder',
        folder,
        '--packages',
        values.packages,
        '--layout',
        values.layout,
      ];
      const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
      if (status !== 0) process.exitCode = 1;
    }
  } finally {
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  }
}

if (values.step === undefined) runAll();
else await runStep(values.step, values.folder ?? '.');
