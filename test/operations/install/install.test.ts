// Whole installations from caches built in code, in this process.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readElf } from '../../../src/binfmt/elf/elf.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import type { ProgressEvent } from '../../../src/core/progress.js';
import type { InstallReport } from '../../../src/operations/install/install.js';
import type { OpenOptions } from '../../../src/transport/object-store.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import {
  type BuiltCache,
  buildCache,
  type CacheOptions,
  hashFor,
  OLD_ROOT,
  type PackageSketch,
} from '../../helpers/cache-builder.js';
import {
  checkNothingLeft,
  installedIn,
  outcomes,
  type RunRequest,
  recordsOf,
  rootOf,
  runInstall,
} from '../../helpers/install-run.js';
import { mirrorOver } from '../../helpers/watched-mirror.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

/** `top` needs `middle` and, to run, `tool`; both need `base`. */
const STACK: readonly PackageSketch[] = [
  { name: 'base' },
  { name: 'builder' },
  { name: 'middle', dependencies: ['base', 'builder:build'] },
  { name: 'tool', dependencies: ['base'] },
  { name: 'top', dependencies: ['middle', 'tool:run'] },
];

/** The stack with some packages changed. */
function stackWith(changes: Readonly<Record<string, Partial<PackageSketch>>>): PackageSketch[] {
  return STACK.map((sketch) => ({ ...sketch, ...changes[sketch.name] }));
}

interface Place {
  readonly folder: string;
  readonly cache: BuiltCache;
  run(request?: Partial<RunRequest>, onProgress?: (event: ProgressEvent) => void): Promise<InstallReport>;
  prefix(name: string): string;
}

async function place(
  test: TestContext,
  sketches: readonly PackageSketch[] = STACK,
  options: CacheOptions = {},
): Promise<Place> {
  const folder = temporaryFolder(test);
  const cache = await buildCache(join(folder, 'mirror'), sketches, options);
  return {
    folder,
    cache,
    run: (request = {}, onProgress) =>
      runInstall(
        { folder, queries: ['top'], mirrors: [cache.folder], ...request },
        onProgress === undefined ? {} : { onProgress },
      ),
    prefix: (name) => join(rootOf(folder), cache.get(name).projected),
  };
}

describe('install', () => {
  for (const engine of ['js', 'wasm'] as const) {
    for (const layoutVersion of [1, 2] as const) {
      it(`relocates what it installs: layout ${layoutVersion}, engine ${engine}`, async (test) => {
        const { folder, run, prefix } = await place(test, STACK, { layoutVersion });
        const report = await run({ engine });
        assert.deepEqual(outcomes(report), [
          'base: installed',
          'middle: installed',
          'tool: installed',
          'top: installed',
        ]);
        assert.deepEqual(installedIn(folder), ['base-1.0', 'middle-1.0', 'tool-1.0', 'top-1.0']);
        const top = prefix('top');
        assert.equal(readFileSync(join(top, 'bin/run'), 'utf8'), `#!/bin/sh\nexec ${top}/lib/tool "$@"\n`);
        assert.equal(readlinkSync(join(top, 'lib/there')), `${top}/lib/tool`);
        assert.equal(readlinkSync(join(top, 'lib/here')), 'tool');
        const paths = ['top', 'middle', 'base', 'builder', 'tool'].map((name) => prefix(name));
        const lines = readFileSync(join(top, 'share/paths'), 'utf8').split('\n');
        // What is only needed to build keeps its place below the root.
        assert.deepEqual(lines, [...paths, `root=${rootOf(folder)}`, '']);
        const program = readFileSync(join(top, 'lib/tool'));
        const rpath = readElf(sourceOfBytes(program))?.rpath?.value;
        const kept = paths.filter((path) => !path.includes('builder')).map((path) => `${path}/lib`);
        assert.equal(Buffer.from(rpath ?? []).toString(), kept.join(':'), 'what is not there is dropped');
        assert.ok(program.includes(`${top}/share/data\0`));
        assert.equal(statSync(join(top, 'bin/run')).mode & 0o7777, 0o755);
        assert.equal(statSync(top).mode & 0o7777, 0o2755);
        checkNothingLeft(folder);
      });
    }
  }

  for (const workers of [0, 2]) {
    it(`unpacks ahead, and lets appear in order: ${workers} workers`, async (test) => {
      const { folder, cache, prefix } = await place(test);
      const objects = await openObjectStore(cache.folder);
      const openObject = objects.open.bind(objects);
      let open = () => {};
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      test.mock.method(objects, 'open', async (path: string, options: OpenOptions) => {
        if (path === cache.get('base').tarball) await gate;
        return openObject(path, options);
      });
      const events: string[] = [];
      const onProgress = (event: ProgressEvent) => {
        if (event.type === 'package-waits')
          assert.ok(!existsSync(prefix(event.package)), 'it is in the stage');
        if (event.type === 'package-waits' || event.type === 'package-finished')
          events.push(`${event.type} ${event.package}`);
        if (events.length === 3) open();
      };
      const request = { folder, queries: ['top'], mirrors: [mirrorOver(objects)], jobs: 4, workers };
      await runInstall({ ...request, thresholds: { start: 0, split: 1e12 } }, { onProgress });
      const [ahead, behind] = [events.slice(0, 3).sort(), events.slice(3)];
      assert.deepEqual(
        ahead,
        ['middle', 'tool', 'top'].map((name) => `package-waits ${name}`),
      );
      assert.equal(behind[0], 'package-finished base');
      assert.equal(behind[3], 'package-finished top');
      const program = readFileSync(join(prefix('top'), 'lib/tool'));
      const rpath = readElf(sourceOfBytes(program))?.rpath?.value;
      const kept = ['top', 'middle', 'base', 'tool'].map((name) => `${prefix(name)}/lib`);
      assert.equal(
        Buffer.from(rpath ?? []).toString(),
        kept.join(':'),
        'what is not there in the end is dropped',
      );
      checkNothingLeft(folder);
    });
  }

  it('records what it installs, and what that needs', async (test) => {
    const { folder, run, prefix } = await place(test);
    await run();
    const records = recordsOf(folder);
    const facts = [...records].map(([name, { installed, explicit, ref_count, path }]) => [
      name,
      { installed, explicit, ref_count, path },
    ]);
    assert.deepEqual(Object.fromEntries(facts), {
      base: { installed: true, explicit: false, ref_count: 2, path: prefix('base') },
      builder: { installed: false, explicit: false, ref_count: 1, path: prefix('builder') },
      middle: { installed: true, explicit: false, ref_count: 1, path: prefix('middle') },
      tool: { installed: true, explicit: false, ref_count: 1, path: prefix('tool') },
      top: { installed: true, explicit: true, ref_count: 0, path: prefix('top') },
    });
  });

  it('does nothing a second time', async (test) => {
    const { folder, cache, run, prefix } = await place(test);
    await run();
    const before = statSync(prefix('top')).ino;
    for (const name of cache.packages.keys()) rmSync(join(cache.folder, cache.get(name).tarball));
    const report = await run();
    assert.deepEqual(new Set(report.packages.map(({ outcome }) => outcome)), new Set(['already-installed']));
    assert.equal(statSync(prefix('top')).ino, before);
    checkNothingLeft(folder);
  });

  it('installs again what somebody deleted', async (test) => {
    const { run, prefix } = await place(test);
    await run();
    rmSync(prefix('tool'), { recursive: true });
    assert.deepEqual(outcomes(await run()), [
      'base: already-installed',
      'middle: already-installed',
      'tool: installed',
      'top: already-installed',
    ]);
    assert.ok(existsSync(join(prefix('tool'), 'bin/run')));
  });

  it('tells what it does', async (test) => {
    const { run } = await place(test);
    const events: string[] = [];
    const bytes = new Map<string, number>();
    await run({ jobs: 1 }, (event) => {
      if (event.type === 'package-progress') {
        assert.ok(event.bytes >= (bytes.get(event.package) ?? 0), 'the bytes grow');
        bytes.set(event.package, event.bytes);
        assert.equal(typeof event.size, 'number');
      } else events.push(event.type === 'warning' ? event.type : `${event.type} ${event.package}`);
    });
    const wanted = ['base', 'middle', 'tool', 'top'].flatMap((name) => [
      `package-started ${name}`,
      `package-finished ${name}`,
    ]);
    assert.deepEqual(events, wanted);
    assert.equal(bytes.size, 4);
  });

  it('marks as explicit what is asked for, unless it is told not to', async (test) => {
    const { folder, run } = await place(test);
    await run({ implicit: true });
    assert.ok([...recordsOf(folder).values()].every(({ explicit }) => !explicit));
    await run({ queries: ['tool'] });
    assert.deepEqual(
      [...recordsOf(folder)].filter(([, { explicit }]) => explicit).map(([name]) => name),
      ['tool'],
    );
    await run({ implicit: true });
    assert.ok(recordsOf(folder).get('tool')?.explicit, 'what is explicit stays so');
  });

  it('leaves out what --only leaves out', async (test) => {
    const { folder, run } = await place(test);
    assert.deepEqual(outcomes(await run({ only: 'dependencies' })), [
      'base: installed',
      'middle: installed',
      'tool: installed',
    ]);
    assert.deepEqual(installedIn(folder), ['base-1.0', 'middle-1.0', 'tool-1.0']);
    assert.deepEqual(outcomes(await run({ only: 'package' })), ['top: installed']);
    const alone = await place(test);
    assert.deepEqual(outcomes(await alone.run({ only: 'package' })), ['top: installed']);
    assert.equal(recordsOf(alone.folder).get('middle')?.installed, false);
  });

  it('installs several specs in one run, each package once', async (test) => {
    const { run } = await place(test);
    assert.deepEqual(outcomes(await run({ queries: ['tool', 'middle'] })), [
      'base: installed',
      'tool: installed',
      'middle: installed',
    ]);
  });

  it('records externals, and does not install them', async (test) => {
    const { folder, run, prefix } = await place(test, [
      { name: 'python', version: '3.11', external: '/usr' },
      { name: 'base' },
      { name: 'top', dependencies: ['base', 'python'] },
    ]);
    assert.deepEqual(outcomes(await run()), ['base: installed', 'top: installed']);
    const record = recordsOf(folder).get('python');
    assert.deepEqual([record?.installed, record?.path], [true, '/usr']);
    assert.ok(existsSync(prefix('top')));
  });

  it('refuses a package for another platform, and takes it when it is told to', async (test) => {
    const { folder, run } = await place(test, [{ name: 'top', platform: 'windows' }]);
    await assert.rejects(run(), { code: 'not-relocatable-platform' });
    assert.deepEqual(installedIn(folder), []);
    assert.deepEqual(outcomes(await run({ anyPlatform: true })), ['top: installed']);
  });

  it('puts the mtimes, modes and links of the archive on disk, whatever the umask', async (test) => {
    const umask = process.umask(0o077);
    test.after(() => process.umask(umask));
    const { run, prefix } = await place(test, [
      {
        name: 'top',
        members: [
          { name: 'share/one', body: 'x', mode: 0o600, mtime: 77 },
          { name: 'share/two', type: '1', linkname: 'share/one' },
          { name: 'share/three', body: 'y', mode: 0o4711 },
        ],
      },
    ]);
    await run();
    const [one, two, three] = ['one', 'two', 'three'].map((name) =>
      statSync(join(prefix('top'), 'share', name)),
    );
    assert.deepEqual([one?.mode, one?.mtimeMs, one?.nlink], [0o100644, 77000, 2]);
    assert.equal(one?.ino, two?.ino);
    assert.equal(three?.mode, 0o104755);
    assert.equal(statSync(join(prefix('top'), 'share')).mode & 0o7777, 0o2755);
  });
});

describe('install to other places', () => {
  it('pads the root, and puts sbang at the one without padding', async (test) => {
    const { folder, run, cache } = await place(test);
    const report = await run({ paddedLength: 200 });
    assert.equal(report.root.length, 200);
    assert.ok(report.root.startsWith(`${rootOf(folder)}/__spack_path_placeholder__/`));
    const top = join(report.root, cache.get('top').projected);
    assert.equal(readFileSync(join(top, 'bin/run'), 'utf8'), `#!/bin/sh\nexec ${top}/lib/tool "$@"\n`);
    assert.ok(existsSync(join(rootOf(folder), 'bin/sbang')));
  });

  it('fails where a longer root does not fit into strings, and leaves nothing', async (test) => {
    const { folder, run } = await place(test);
    const report = await run({ paddedLength: OLD_ROOT.length + 50 });
    assert.deepEqual(outcomes(report), [
      'base: failed (cannot-grow-rpath)',
      'middle: skipped (dependency-failed)',
      'tool: skipped (dependency-failed)',
      'top: skipped (dependency-failed)',
    ]);
    assert.match(report.packages[0]?.error?.message ?? '', /lib\/tool/);
    assert.deepEqual(installedIn(folder), []);
  });

  it('goes by a projection, and refuses one that leaves the root', async (test) => {
    const { folder, run } = await place(test);
    const report = await run({ projection: '{name}/{version}' });
    assert.equal(report.packages.at(-1)?.prefix, join(rootOf(folder), 'top/1.0'));
    assert.ok(existsSync(join(rootOf(folder), 'top/1.0/bin/run')));
    const paths = readFileSync(join(rootOf(folder), 'top/1.0/share/paths'), 'utf8');
    assert.ok(paths.includes(`${rootOf(folder)}/middle/1.0\n`));
    for (const projection of ['../{name}', '/{name}', '.spack-db/{name}', '{nothing}', ''])
      await assert.rejects((await place(test)).run({ projection }), { code: 'projection' }, projection);
  });

  it('goes by the projections of a Spack configuration, spec by spec', async (test) => {
    const { folder, run } = await place(test);
    const spack = join(folder, 'spack');
    mkdirSync(join(spack, 'etc/spack'), { recursive: true });
    const projections = `{ middle: 'm/{hash}', '^base': 'needs-base/{name}-{hash}', all: 'all/{name}-{hash}' }`;
    writeFileSync(
      join(spack, 'etc/spack/config.yaml'),
      `config:\n  install_hash_length: 5\n  install_tree:\n    root: ${rootOf(folder)}\n    projections: ${projections}\n`,
    );
    const environment = { SPACK_ROOT: spack, HOME: folder, SPACK_DISABLE_LOCAL_CONFIG: '1' };
    const report = await run({ root: undefined, environment });
    const places = report.packages.map(({ prefix }) => prefix.slice(rootOf(folder).length + 1));
    const short = (name: string) => hashFor(name).slice(0, 5);
    assert.deepEqual(places, [
      `all/base-${short('base')}`,
      `m/${short('middle')}`,
      `needs-base/tool-${short('tool')}`,
      `needs-base/top-${short('top')}`,
    ]);
    for (const { prefix } of report.packages) assert.ok(existsSync(join(prefix, '.spack/spec.json')));
    const paths = readFileSync(join(report.packages.at(-1)?.prefix ?? '', 'share/paths'), 'utf8');
    assert.ok(paths.includes(`/m/${short('middle')}\n`));
  });

  it('refuses to put two packages into one prefix', async (test) => {
    const { folder, run } = await place(test);
    const report = await run({ projection: 'same', jobs: 1 });
    assert.deepEqual(outcomes(report).slice(0, 2), ['base: installed', 'middle: failed (prefix-conflict)']);
    assert.equal([...recordsOf(folder).values()].filter(({ installed }) => installed).length, 1);
    checkNothingLeft(folder);
  });

  it('takes dependencies from an upstream store, which it only reads', async (test) => {
    const { folder, run } = await place(test);
    const upstream = join(folder, 'upstream');
    mkdirSync(upstream);
    await run({ folder: upstream, queries: ['middle'] });
    const before = snapshot(rootOf(upstream));
    const report = await run({ upstreams: [rootOf(upstream)] });
    assert.deepEqual(outcomes(report), [
      'base: already-installed',
      'middle: already-installed',
      'tool: installed',
      'top: installed',
    ]);
    assert.deepEqual(installedIn(folder), ['tool-1.0', 'top-1.0']);
    const [base, , , top] = report.packages;
    assert.ok(base?.prefix.startsWith(rootOf(upstream)), `the report says where it is: ${base?.prefix}`);
    const paths = readFileSync(join(top?.prefix ?? '', 'share/paths'), 'utf8');
    assert.ok(paths.includes(`${base?.prefix}\n`), 'paths lead to the upstream store');
    assert.deepEqual(snapshot(rootOf(upstream)), before);
  });

  it('does not write to an upstream store with --force either', async (test) => {
    const { folder, run } = await place(test);
    const upstream = join(folder, 'upstream');
    mkdirSync(upstream);
    await run({ folder: upstream });
    const before = snapshot(rootOf(upstream));
    const report = await run({ upstreams: [rootOf(upstream)], force: true });
    assert.ok(report.packages.every(({ error }) => error === undefined));
    assert.deepEqual(snapshot(rootOf(upstream)), before);
  });

  it('does not install into an upstream store what was deleted there', async (test) => {
    const { folder, run } = await place(test);
    const upstream = join(folder, 'upstream');
    mkdirSync(upstream);
    const first = await run({ folder: upstream, queries: ['base'] });
    rmSync(first.packages[0]?.prefix ?? '', { recursive: true });
    const before = snapshot(rootOf(upstream));
    const report = await run({ upstreams: [rootOf(upstream)], queries: ['base'] });
    assert.deepEqual(outcomes(report), ['base: installed']);
    assert.deepEqual(installedIn(folder), ['base-1.0']);
    assert.deepEqual(snapshot(rootOf(upstream)), before);
  });
});

/** Every path of a tree with its inode and time, but for the files that locks are taken on. */
function snapshot(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .filter((path) => !/_?lock$/.test(path))
    .map((path) => {
      const { ino, mtimeMs } = lstatSync(join(root, path));
      return `${path} ${ino} ${mtimeMs}`;
    })
    .sort();
}

describe('install --force', () => {
  it('replaces what is installed', async (test) => {
    const { folder, run, prefix } = await place(test);
    await run();
    writeFileSync(join(prefix('top'), 'marker'), '');
    const { outcome } = (await run({ force: true, only: 'package' })).packages[0] ?? {};
    assert.equal(outcome, 'installed');
    assert.ok(!existsSync(join(prefix('top'), 'marker')));
    assert.ok(existsSync(join(prefix('top'), 'bin/run')));
    assert.equal(recordsOf(folder).get('top')?.ref_count, 0);
    checkNothingLeft(folder);
  });

  it('replaces a folder that nobody recorded; without it that is in the way', async (test) => {
    const { folder, run, prefix } = await place(test, [{ name: 'top' }]);
    mkdirSync(prefix('top'), { recursive: true });
    writeFileSync(join(prefix('top'), 'marker'), '');
    assert.deepEqual(outcomes(await run()), ['top: failed (prefix-exists)']);
    assert.deepEqual(readdirSync(prefix('top')), ['marker']);
    assert.deepEqual(outcomes(await run({ force: true })), ['top: installed']);
    assert.ok(!existsSync(join(prefix('top'), 'marker')));
    checkNothingLeft(folder);
  });

  it('keeps the old one when the new one fails', async (test) => {
    const { folder, cache, run, prefix } = await place(test);
    await run();
    writeFileSync(join(prefix('top'), 'marker'), '');
    const before = snapshot(prefix('top'));
    const record = recordsOf(folder).get('top');
    const tarball = join(cache.folder, cache.get('top').tarball);
    const bytes = readFileSync(tarball);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    writeFileSync(tarball, bytes);
    assert.deepEqual(outcomes(await run({ force: true, only: 'package' })), [
      'top: failed (checksum-mismatch)',
    ]);
    assert.deepEqual(snapshot(prefix('top')), before);
    assert.deepEqual(recordsOf(folder).get('top'), record);
    checkNothingLeft(folder);
  });
});

describe('install when a package fails', () => {
  const broken = { middle: { spoilTarball: (bytes: Buffer) => bytes.subarray(0, bytes.length - 9) } };

  it('goes on with what does not depend on it', async (test) => {
    const { folder, run } = await place(test, stackWith(broken));
    const report = await run();
    assert.deepEqual(outcomes(report), [
      'base: installed',
      'middle: failed (checksum-mismatch)',
      'tool: installed',
      'top: skipped (dependency-failed)',
    ]);
    assert.match(report.packages[3]?.error?.message ?? '', /sha256/, 'a skipped package says why');
    assert.deepEqual(installedIn(folder), ['base-1.0', 'tool-1.0']);
    assert.deepEqual([...recordsOf(folder).keys()].sort(), ['base', 'tool'], 'it leaves no record');
    checkNothingLeft(folder);
  });

  it('stops with --fail-fast, and keeps what came before', async (test) => {
    for (const jobs of [1, 4]) {
      const { folder, run } = await place(test, stackWith(broken));
      const report = await run({ failFast: true, jobs });
      assert.deepEqual(outcomes(report), [
        'base: installed',
        'middle: failed (checksum-mismatch)',
        'tool: skipped (dependency-failed)',
        'top: skipped (dependency-failed)',
      ]);
      assert.deepEqual(installedIn(folder), ['base-1.0']);
      checkNothingLeft(folder);
    }
  });

  it('leaves what was there before', async (test) => {
    const { folder, run } = await place(test);
    await run({ queries: ['tool'] });
    const other = await buildCache(join(folder, 'broken'), stackWith({ ...broken, top: broken.middle }));
    const report = await run({ mirrors: [other.folder] });
    assert.deepEqual(outcomes(report), [
      'base: already-installed',
      'middle: failed (checksum-mismatch)',
      'tool: already-installed',
      'top: skipped (dependency-failed)',
    ]);
    assert.deepEqual(installedIn(folder), ['base-1.0', 'tool-1.0']);
    checkNothingLeft(folder);
  });

  const failures: Readonly<Record<string, readonly [Partial<PackageSketch>, string]>> = {
    'a missing tarball': [{ spoilTarball: () => undefined }, 'mirror-not-found'],
    'a tarball that is cut, with its checksum': [
      { spoilArchive: (archive) => archive.subarray(0, 3000) },
      'tar-truncated',
    ],
    'a tarball of text': [{ spoilArchive: () => Buffer.from('hello'.repeat(200)) }, 'tar-header'],
    'a buildinfo that is no YAML': [{ spoilBuildinfo: () => '{[' }, 'buildinfo-invalid'],
    'a buildinfo without the lists': [
      { spoilBuildinfo: (text) => text.replace('relocate_textfiles', 'other') },
      'buildinfo-invalid',
    ],
    'a listed text that is not there': [
      { spoilBuildinfo: (text) => text.replace('- bin/run', '- bin/walk') },
      'listed-file-missing',
    ],
    'a listed text that is a link': [
      { spoilBuildinfo: (text) => text.replace('- bin/run', '- lib/here') },
      'listed-file-missing',
    ],
    'a listed link that is a file': [
      { spoilBuildinfo: (text) => text.replace('- lib/there', '- bin/run') },
      'listed-file-missing',
    ],
    'a list that leads out': [
      { spoilBuildinfo: (text) => text.replace('- bin/run', '- ../../../etc/passwd') },
      'listed-file-missing',
    ],
    'a string that cannot shrink by so little': [
      {
        members: [{ name: 'lib/odd', body: `\x7fELF\0${'x'.repeat(20)}` }],
        spoilBuildinfo: (text) => text.replace('buildpath: /old', 'buildpath: relative'),
      },
      'buildinfo-invalid',
    ],
    'a member that leads out': [{ members: [{ name: '../escape', body: 'x' }] }, 'tar-unsafe-path'],
    'a pipe': [{ members: [{ name: 'pipe', type: '6' }] }, 'tar-unsupported-type'],
    'a link that is written through': [
      {
        members: [
          { name: 'out', type: '2', linkname: '/tmp' },
          { name: 'out/escape', body: 'x' },
        ],
      },
      'tar-through-symlink',
    ],
    'a name that is too long': [{ members: [{ name: 'x'.repeat(300), body: 'x' }] }, 'store-io'],
    'a checksum that is none': [
      {
        spoilMetadata: (metadata) => ({
          ...metadata,
          binary_cache_checksum: { hash_algorithm: 'sha256', hash: 'none' },
        }),
      },
      'checksum-invalid',
    ],
    'no checksum': [
      { spoilMetadata: ({ binary_cache_checksum, ...metadata }) => metadata },
      'checksum-missing',
    ],
    'a layout of the future': [
      { spoilMetadata: (metadata) => ({ ...metadata, buildcache_layout_version: 9 }) },
      'layout-unsupported',
    ],
    'metadata of another package': [
      {
        spoilMetadata: (metadata) =>
          JSON.parse(JSON.stringify(metadata).replaceAll(hashFor('top'), 'z'.repeat(32))),
      },
      'wrong-package',
    ],
    'metadata of another name': [
      { spoilMetadata: (metadata) => JSON.parse(JSON.stringify(metadata).replaceAll('"top"', '"bottom"')) },
      'wrong-package',
    ],
    'metadata that is cut': [{ spoilSpecfile: (text) => text.subarray(0, 50) }, 'metadata-syntax'],
    'no metadata': [{ spoilSpecfile: () => undefined }, 'spec-not-found'],
  };
  for (const [name, [sketch, code]] of Object.entries(failures)) {
    it(`refuses ${name}: ${code}`, async (test) => {
      const { folder, run } = await place(test, [{ name: 'top', ...sketch }]);
      for (const engine of ['js', 'wasm'] as const) {
        const report = await run({ engine });
        assert.deepEqual(outcomes(report), [`top: failed (${code})`], report.packages[0]?.error?.message);
        assert.deepEqual(installedIn(folder), []);
        assert.equal(recordsOf(folder).size, 0);
        checkNothingLeft(folder);
        assert.deepEqual(readdirSync(folder).sort(), ['cache', 'mirror', 'opt']);
      }
    });
  }
});

describe('install --sha256', () => {
  it('takes the right digest, and refuses a wrong one', async (test) => {
    const { folder, cache, run } = await place(test, [
      { name: 'base' },
      { name: 'top', dependencies: ['base'] },
    ]);
    const wrong = await run({ sha256: cache.get('base').digest });
    assert.deepEqual(outcomes(wrong), ['base: installed', 'top: failed (checksum-mismatch)']);
    assert.match(wrong.packages[1]?.error?.message ?? '', /the command line says/);
    checkNothingLeft(folder);
    assert.deepEqual(outcomes(await run({ sha256: cache.get('top').digest })), [
      'base: already-installed',
      'top: installed',
    ]);
  });

  it('is for one spec only', async (test) => {
    const { cache, run } = await place(test);
    const sha256 = cache.get('top').digest;
    await assert.rejects(run({ queries: ['tool', 'middle'], sha256 }), { code: 'usage' });
  });
});

describe('install into a store that cannot be written', () => {
  it('refuses a root that is a file', async (test) => {
    const { folder, run } = await place(test);
    writeFileSync(rootOf(folder), '');
    await assert.rejects(run(), { code: 'root-unusable' });
  });

  it('refuses a prefix below a file', async (test) => {
    const { folder, run, prefix } = await place(test, [{ name: 'top' }]);
    mkdirSync(dirname(dirname(prefix('top'))), { recursive: true });
    writeFileSync(dirname(prefix('top')), '');
    assert.deepEqual(outcomes(await run()), ['top: failed (prefix-conflict)']);
    assert.equal(recordsOf(folder).size, 0);
  });

  it('refuses a database that is not one', async (test) => {
    const { folder, run } = await place(test);
    mkdirSync(join(rootOf(folder), '.spack-db'), { recursive: true });
    writeFileSync(join(rootOf(folder), '.spack-db/index.json'), '<html>');
    await assert.rejects(run(), { code: 'database-unreadable' });
    chmodSync(rootOf(folder), 0o755);
    assert.deepEqual(installedIn(folder), []);
  });
});
