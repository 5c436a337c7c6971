import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { type Buildinfo, parseBuildinfo } from '../../../src/buildcache/buildinfo/buildinfo.js';
import { parseSpecfile, requireChecksum } from '../../../src/buildcache/specfile/specfile.js';
import { encodeUtf8 } from '../../../src/core/bytes.js';
import { type BuildcacheError, MirrorError, UsageError } from '../../../src/core/errors.js';
import type { ProgressEvent } from '../../../src/core/progress.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { type PushReport, type PushRequest, push } from '../../../src/operations/publish/push.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import {
  makeSmallStore,
  type SmallStore,
  type StoredPackage,
  writeFileAt,
} from '../../helpers/small-store.js';
import { readMembers, type TarMember } from '../../helpers/unpack-tar.js';
import { mirrorOver, watchedMirror } from '../../helpers/watched-mirror.js';
import { withoutRights } from '../../helpers/without-rights.js';
import { hashOf } from '../../store/spec-builder.js';

const engine = selectEngine('js', {});
const ONE: Readonly<Record<string, StoredPackage>> = {
  zlib: { files: { 'lib/libz.so': 'x', 'share/readme': 'text' } },
};

interface Pushing extends Partial<Omit<PushRequest, 'specs' | 'store' | 'mirror'>> {
  readonly names?: readonly string[];
  readonly to?: string;
  readonly layout?: 1 | 2;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

async function pushFrom(store: SmallStore, options: Pushing = {}): Promise<PushReport> {
  const { names = ['zlib'], to = join(store.folder, 'mirror'), layout, signal, onProgress } = options;
  const specs = names.map((name) => store.spec(name));
  const mirror = await openMirror(to, { layout });
  const more = { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) };
  return push({ engine, parallelism: 2, ...options, specs, store: store.open(), mirror }, more);
}

const outcomes = (report: PushReport) => report.packages.map(({ name, outcome }) => `${name} ${outcome}`);

/** All files of a mirror, relative to it. */
function filesOf(store: SmallStore, mirror = 'mirror'): string[] {
  const folder = join(store.folder, mirror);
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const STEM = (name: string) => `linux-debian12-x86_64-gcc-12.2.0-${name}-1.0-${hashOf(name)}`;
const SPECFILE = (name: string) => `build_cache/${STEM(name)}.spec.json`;
const TARBALL = (name: string) =>
  `build_cache/linux-debian12-x86_64/gcc-12.2.0/${name}-1.0/${STEM(name)}.spack`;

interface PushedTree {
  readonly members: readonly TarMember[];
  readonly buildinfo: Buildinfo;
}

/** Checks that tarball and specfile of a package belong together, and reads the tarball. */
function readPushed(store: SmallStore, name = 'zlib', mirror = 'mirror'): PushedTree {
  const folder = join(store.folder, mirror);
  const tarball = readFileSync(join(folder, TARBALL(name)));
  const specfile = parseSpecfile(readFileSync(join(folder, SPECFILE(name))), name);
  assert.equal(specfile.spec.root.hash, hashOf(name));
  const digest = createHash('sha256').update(tarball).digest('hex');
  assert.equal(requireChecksum(specfile), digest);
  const members = readMembers(gunzipSync(tarball));
  const last = members.at(-1);
  assert.ok(last !== undefined);
  assert.ok(last.entry.path.endsWith('.spack/binary_distribution'));
  return { members, buildinfo: parseBuildinfo(last.body, name) };
}

function errorOf(report: PushReport, name = 'zlib'): BuildcacheError {
  const error = report.packages.find((each) => each.name === name)?.error;
  assert.ok(error, `${name} failed`);
  return error;
}

test('push publishes a tarball and a specfile that belong together', async (context) => {
  // Progress is told now and then; while no time passes, there is nothing to tell.
  context.mock.method(performance, 'now', () => 0);
  const store = makeSmallStore(context, ONE);
  const events: ProgressEvent[] = [];
  const report = await pushFrom(store, { onProgress: (event) => events.push(event) });
  assert.deepEqual(outcomes(report), ['zlib pushed']);
  assert.deepEqual(filesOf(store), [SPECFILE('zlib'), TARBALL('zlib')].sort());
  const { members, buildinfo } = readPushed(store);
  const prefix = store.prefixOf('zlib').slice(1);
  assert.deepEqual(
    members.map(({ entry }) => entry.path.slice(prefix.length)),
    [
      '',
      '/.spack',
      '/.spack/spec.json',
      '/lib',
      '/lib/libz.so',
      '/share',
      '/share/readme',
      '/.spack/binary_distribution',
    ],
  );
  assert.equal(members[0]?.entry.path, prefix);
  assert.deepEqual(buildinfo.hashToPrefix, new Map([[hashOf('zlib'), store.prefixOf('zlib')]]));
  assert.equal(buildinfo.spackprefix, '/spack');
  assert.equal(buildinfo.buildpath, store.root);
  assert.equal(buildinfo.sbangInstallPath, `${store.root}/bin/sbang`);
  assert.deepEqual(
    events.map((event) => event.type),
    ['package-started', 'package-finished'],
  );
  const details = report.packages[0]?.details;
  assert.ok(details !== undefined && details.files === 3 && !details.signed && details.bytes % 10240 === 0);
});

test('push tells its progress between the start and the end of a package', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => {
    now += 1000;
    return now;
  });
  const events: ProgressEvent[] = [];
  await pushFrom(makeSmallStore(context, ONE), { onProgress: (event) => events.push(event) });
  const types = events.map((event) => event.type);
  assert.equal(types[0], 'package-started');
  assert.equal(types.at(-1), 'package-finished');
  const between = types.slice(1, -1);
  assert.ok(between.length > 0 && between.every((type) => type === 'package-progress'), types.join(' '));
});

test('push packs a prefix into the same bytes every time, whatever the cores and the engine', async (context) => {
  const big = new Uint8Array(3_300_000).map((_, index) => (index * index) >> 7);
  const store = makeSmallStore(context, { zlib: { files: { 'lib/big': big, 'share/x': 'x' } } });
  const runs: Pushing[] = [
    { parallelism: 1, jobs: 1 },
    { parallelism: 4, jobs: 9 },
    { parallelism: 6 },
    { engine: selectEngine('wasm', {}) },
  ];
  const results: Buffer[][] = [];
  for (const [index, run] of runs.entries()) {
    await pushFrom(store, { ...run, to: join(store.folder, `m${index}`) });
    results.push(
      filesOf(store, `m${index}`).map((path) => readFileSync(join(store.folder, `m${index}`, path))),
    );
  }
  for (const result of results) assert.deepEqual(result, results[0]);
});

test('push lists what has to be relocated', async (context) => {
  const store = makeSmallStore(context, {
    app: { dependencies: ['zlib', 'tool:run', 'maker:build', 'outside'] },
    zlib: {},
    tool: {},
    maker: { installed: false },
    outside: { external: '/usr' },
  });
  const prefix = store.prefixOf('app');
  const texts: Readonly<Record<string, string>> = {
    own: prefix,
    zlib: store.prefixOf('zlib'),
    tool: store.prefixOf('tool'),
    maker: store.prefixOf('maker'),
    root: store.root,
    sbang: `#!/bin/sh ${store.root}/bin/sbang`,
    '-flag': `-L${store.root}`,
    usr: '/usr/lib',
    deep: `/x${store.root}`,
    'json.json': `["${store.root}"]`,
    'man/page': store.root,
    'share/man/page': store.root,
    'sub/.spack/x': store.root,
    'a/z': store.root,
    'a-': store.root,
    data: `${store.root}\0`,
    '\xff': store.root,
  };
  for (const [path, content] of Object.entries(texts)) writeFileAt(`${prefix}/${path}`, content);
  writeFileAt(`${prefix}/.spack/binary_distribution`, 'old');
  linkSync(join(prefix, 'own'), join(prefix, 'zz-own'));
  linkSync(join(prefix, 'man/page'), join(prefix, 'hard-of-man'));
  const links: Readonly<Record<string, string>> = {
    'l-root': store.root,
    'l-string': `${store.root}-more`,
    'l-usr': '/usr',
    'l-relative': 'own',
    'l-dangling': `${prefix}/none`,
    'man/l': store.root,
  };
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(prefix, path));
  await pushFrom(store, { names: ['app'], only: 'package' });
  const { buildinfo, members } = readPushed(store, 'app');
  assert.deepEqual(buildinfo.relocateTextfiles, [
    '-flag',
    'a/z',
    'a-',
    'hard-of-man',
    'maker',
    'own',
    'root',
    'sbang',
    'tool',
    'zlib',
    '\xff',
  ]);
  assert.deepEqual(buildinfo.relocateLinks, ['l-dangling', 'l-root', 'l-string']);
  assert.deepEqual(buildinfo.relocateBinaries, []);
  assert.deepEqual([...buildinfo.hashToPrefix.keys()], ['app', 'zlib', 'tool'].map(hashOf));
  const old = members.filter(({ entry }) => entry.path.endsWith('binary_distribution'));
  assert.ok(old.length === 1 && old[0]?.body.length !== 3);
  const hard = members.filter(({ entry }) => entry.type === 'hardlink');
  assert.deepEqual(
    hard.map(({ entry }) => [entry.path, entry.linkPath].map((path) => path?.slice(prefix.length))),
    [
      ['zz-own', 'own'],
      ['man/page', 'hard-of-man'],
    ],
  );
});

test('push with layout 2 packs the folders above the prefix, too', async (context) => {
  const store = makeSmallStore(context, ONE);
  await pushFrom(store, { layout: 2 });
  const { members } = readPushed(store);
  const components = store.prefixOf('zlib').slice(1).split('/');
  const parents = components.map((_, index) => components.slice(0, index + 1).join('/'));
  assert.deepEqual(
    members.slice(0, parents.length).map(({ entry }) => entry.path),
    parents,
  );
  assert.ok(
    members.slice(0, parents.length).every(({ entry }) => entry.type === 'directory' && entry.mode === 0o755),
  );
  assert.match(
    readFileSync(join(store.folder, 'mirror', SPECFILE('zlib')), 'utf8'),
    /"buildcache_layout_version":2,/,
  );
});

const GRAPH: Readonly<Record<string, StoredPackage>> = {
  app: { dependencies: ['zlib', 'tool:run', 'maker:build', 'lost:build', 'outside'] },
  zlib: { dependencies: ['base'] },
  tool: {},
  maker: { dependencies: ['gear'] },
  gear: {},
  lost: { installed: false },
  base: {},
  outside: { external: '/usr' },
};

test('push takes link and run dependencies, dependencies first, and build dependencies where they are wanted', async (context) => {
  const store = makeSmallStore(context, GRAPH);
  const table: readonly (readonly [Pushing, readonly string[]])[] = [
    [{}, ['base', 'tool', 'zlib', 'app']],
    [{ only: 'package' }, ['app']],
    [{ only: 'dependencies' }, ['base', 'tool', 'zlib']],
    [{ withBuildDependencies: true }, ['base', 'tool', 'zlib', 'app', 'gear', 'maker']],
    [{ only: 'package', withBuildDependencies: true }, ['app']],
    [{ names: ['app', 'zlib'] }, ['base', 'tool', 'zlib', 'app']],
    [{ names: ['app', 'zlib'], only: 'package' }, ['app', 'zlib']],
    [{ names: ['app', 'zlib'], only: 'dependencies' }, ['base', 'tool']],
    [{ names: ['outside'] }, []],
  ];
  for (const [index, [options, expected]] of table.entries()) {
    const report = await pushFrom(store, { names: ['app'], ...options, to: join(store.folder, `m${index}`) });
    assert.deepEqual(
      report.packages.map(({ name }) => name).sort(),
      [...expected].sort(),
      JSON.stringify(options),
    );
    assert.ok(report.packages.every(({ outcome }) => outcome === 'pushed'));
    assert.equal(filesOf(store, `m${index}`).length, 2 * expected.length);
  }
  const { packages } = await pushFrom(store, { names: ['app'], to: join(store.folder, 'order') });
  const order = packages.map(({ name }) => name);
  assert.ok(order.indexOf('base') < order.indexOf('zlib') && order.at(-1) === 'app');
});

test('push names everything that is not installed in one error, and pushes nothing', async (context) => {
  const store = makeSmallStore(context, {
    ...GRAPH,
    zlib: { dependencies: ['base'], installed: false },
    base: { installed: false },
  });
  await assert.rejects(pushFrom(store, { names: ['app', 'lost'] }), (error) => {
    assert.ok(error instanceof UsageError && error.code === 'not-installed');
    for (const name of ['base', 'zlib', 'lost']) assert.match(error.message, new RegExp(`${name}@1.0/`));
    assert.ok(!/tool|outside|maker/.test(error.message));
    assert.equal((error.data.packages as string[]).length, 3);
    return true;
  });
  rmSync(store.prefixOf('tool'), { recursive: true });
  await assert.rejects(pushFrom(store, { names: ['app'] }), /tool@1.0/);
  assert.deepEqual(filesOf(store), []);
  assert.deepEqual(outcomes(await pushFrom(store, { names: ['app'], only: 'package' })), ['app pushed']);
});

test('push leaves alone what is there, unless forced', async (context) => {
  const store = makeSmallStore(context, { app: { dependencies: ['zlib'] }, zlib: {} });
  await pushFrom(store, { names: ['zlib'] });
  const before = readFileSync(join(store.folder, 'mirror', TARBALL('zlib')));
  writeFileAt(`${store.prefixOf('zlib')}/new`, 'content');
  assert.deepEqual(outcomes(await pushFrom(store, { names: ['app'] })), ['zlib already-there', 'app pushed']);
  assert.deepEqual(readFileSync(join(store.folder, 'mirror', TARBALL('zlib'))), before);
  assert.deepEqual(outcomes(await pushFrom(store, { names: ['app'], force: true })), [
    'zlib pushed',
    'app pushed',
  ]);
  assert.ok(readPushed(store).members.some(({ entry }) => entry.path.endsWith('/new')));
});

test('push completes what another push left that was killed', async (context) => {
  const store = makeSmallStore(context, ONE);
  await pushFrom(store);
  for (const path of [SPECFILE('zlib'), TARBALL('zlib')]) {
    rmSync(join(store.folder, 'mirror', path));
    assert.deepEqual(outcomes(await pushFrom(store)), ['zlib pushed']);
    readPushed(store);
  }
  // A signed one counts as well.
  const sign = async (text: Uint8Array) => text;
  await pushFrom(store, { sign, force: true });
  assert.deepEqual(outcomes(await pushFrom(store)), ['zlib already-there']);
});

test('push replaces a signed specfile by an unsigned one, and the other way round, without a gap', async (context) => {
  const store = makeSmallStore(context, ONE);
  const mirror = join(store.folder, 'mirror');
  const sign = async (text: Uint8Array) => {
    assert.match(Buffer.from(text).toString(), /"binary_cache_checksum"/);
    return encodeUtf8('signed');
  };
  await pushFrom(store);
  await pushFrom(store, { sign, force: true });
  assert.deepEqual(filesOf(store), [`${SPECFILE('zlib')}.sig`, TARBALL('zlib')].sort());
  assert.equal(readFileSync(join(mirror, `${SPECFILE('zlib')}.sig`), 'utf8'), 'signed');
  await pushFrom(store, { force: true });
  assert.deepEqual(filesOf(store), [SPECFILE('zlib'), TARBALL('zlib')].sort());
});

test('push publishes nothing, and removes nothing, when the signing fails', async (context) => {
  const store = makeSmallStore(context, ONE);
  const failure = new UsageError('usage', 'no key');
  const sign = () => Promise.reject(failure);
  assert.equal(errorOf(await pushFrom(store, { sign })), failure);
  assert.deepEqual(filesOf(store), []);
  await pushFrom(store);
  const before = readFileSync(join(store.folder, 'mirror', TARBALL('zlib')));
  writeFileAt(`${store.prefixOf('zlib')}/new`, 'content');
  await pushFrom(store, { sign, force: true });
  assert.deepEqual(filesOf(store), [SPECFILE('zlib'), TARBALL('zlib')].sort());
  assert.deepEqual(readFileSync(join(store.folder, 'mirror', TARBALL('zlib'))), before);
});

/** Runs something just before the specfile would be published: the signing is the last step before. */
const atTheEnd = (action: () => void) => ({
  sign: async (text: Uint8Array) => {
    action();
    return text;
  },
});

test('push goes on after a failure, and stops where that is wanted', async (context) => {
  const store = makeSmallStore(context, { app: { dependencies: ['zlib', 'base'] }, base: {}, zlib: {} });
  rmSync(join(store.prefixOf('base'), '.spack/spec.json'));
  const report = await pushFrom(store, { names: ['app'] });
  assert.deepEqual(outcomes(report), ['base failed', 'zlib pushed', 'app pushed']);
  assert.equal(errorOf(report, 'base').code, 'prefix-changed');
  const fast = await pushFrom(store, {
    names: ['app'],
    failFast: true,
    jobs: 1,
    to: join(store.folder, 'm2'),
  });
  assert.deepEqual(outcomes(fast), ['base failed', 'zlib skipped', 'app skipped']);
  assert.deepEqual(filesOf(store, 'm2'), []);
});

test('push refuses a prefix that holds another package, or no spec', async (context) => {
  const store = makeSmallStore(context, { app: { dependencies: ['zlib'] }, zlib: {} });
  const path = join(store.prefixOf('zlib'), '.spack/spec.json');
  const other = readFileSync(join(store.prefixOf('app'), '.spack/spec.json'));
  for (const [content, code] of [
    [other, 'wrong-package'],
    ['{', 'metadata-syntax'],
    ['{}', 'metadata-invalid'],
  ] as const) {
    writeFileSync(path, content);
    assert.equal(errorOf(await pushFrom(store)).code, code);
  }
  assert.deepEqual(filesOf(store), []);
});

test('push leaves out pipes, and packs names that are not UTF-8', async (context) => {
  const store = makeSmallStore(context, { zlib: { files: { 'a\xff/b\xfe': 'x', '\xc3\xbc': 'y' } } });
  const hasPipe = spawnSync('mkfifo', [join(store.prefixOf('zlib'), 'pipe')]).status === 0;
  assert.deepEqual(outcomes(await pushFrom(store)), ['zlib pushed']);
  const paths = readPushed(store).members.map(({ entry }) => entry.path);
  for (const name of ['/a\xff', '/a\xff/b\xfe', '/\xc3\xbc'])
    assert.ok(
      paths.some((path) => path.endsWith(name)),
      name,
    );
  assert.ok(!paths.some((path) => path.endsWith('/pipe')));
  if (!hasPipe) context.diagnostic('there is no mkfifo');
});

test('push names a file that cannot be read, and publishes nothing', async (context) => {
  const store = makeSmallStore(context, { zlib: { files: { 'a/secret': 'x' } } });
  const secret = join(store.prefixOf('zlib'), 'a/secret');
  chmodSync(secret, 0);
  mkdirSync(join(store.folder, 'mirror'));
  for (const folder of [store.folder, join(store.folder, 'mirror')]) chmodSync(folder, 0o777);
  await withoutRights(async () => {
    const error = errorOf(await pushFrom(store));
    assert.equal(error.code, 'store-io');
    assert.ok(error.message.includes(secret) && error.message.includes('permission'));
  });
  assert.deepEqual(filesOf(store), []);
});

test('push notices files that change or vanish while they are packed', async (context) => {
  const big = new Uint8Array(6 << 20).fill(120);
  const changes: readonly (readonly [string, (prefix: string) => void])[] = [
    ['grows', (prefix) => writeFileSync(join(prefix, 'm'), new Uint8Array(7 << 20))],
    ['shrinks', (prefix) => writeFileSync(join(prefix, 'm'), 'x')],
    ['vanishes', (prefix) => rmSync(join(prefix, 'z'))],
  ];
  for (const [name, change] of changes) {
    const store = makeSmallStore(context, { zlib: { files: { a: big, m: big, z: 'last' } } });
    const prefix = store.prefixOf('zlib');
    spawnSync('touch', ['-d', '2001-01-01', join(prefix, 'm')]);
    // One block of memory, so that the push waits again and again, and the change comes in the middle of it.
    let isChanged = false;
    const mirror = await watchedMirror(join(store.folder, 'mirror'), (object) => {
      const write = object.write.bind(object);
      let blocks = 0;
      object.write = async (bytes) => {
        if (++blocks === 7 && !isChanged) {
          change(prefix);
          isChanged = true;
        }
        await write(bytes);
      };
    });
    const specs = [store.spec('zlib')];
    const report = await push({ engine, parallelism: 1, jobs: 1, specs, store: store.open(), mirror });
    assert.ok(isChanged, name);
    assert.equal(errorOf(report).code, 'prefix-changed', name);
    assert.deepEqual(filesOf(store), [], name);
  }
});

test('push leaves nothing behind when the mirror fails', async (context) => {
  const store = makeSmallStore(context, { app: { dependencies: ['zlib'] }, zlib: {} });
  const table: readonly (readonly [string, number])[] = [
    ['begin', 1],
    ['begin', 2],
    ['write', 1],
    ['write', 3],
    ['prepare', 1],
    ['prepare', 2],
    ['commit', 1],
  ];
  for (const [method, when] of table) {
    const objects = await openObjectStore(join(store.folder, 'mirror'));
    const { writer } = objects;
    assert.ok(writer);
    const failure = new MirrorError('mirror-full', 'Cannot write: full');
    let calls = 0;
    const fail = (target: object): void => {
      const original = (Reflect.get(target, method) as (...given: unknown[]) => Promise<unknown>).bind(
        target,
      );
      Reflect.set(target, method, async (...given: unknown[]) => {
        if (++calls === when) throw failure;
        return original(...given);
      });
    };
    const begin = writer.begin.bind(writer);
    writer.begin = async (options) => {
      const object = await begin(options);
      if (method !== 'begin') fail(object);
      return object;
    };
    if (method === 'begin') fail(writer);
    const mirror = mirrorOver(objects);
    const specs = [store.spec('zlib')];
    const report = await push({ engine, parallelism: 1, specs, store: store.open(), mirror });
    assert.equal(errorOf(report), failure, `${method} ${when}`);
    assert.deepEqual(filesOf(store), [], `${method} ${when}`);
  }
});

test('push stops when it is aborted, and leaves nothing behind', async (context) => {
  const big = new Uint8Array(4 << 20);
  const store = makeSmallStore(context, {
    app: { dependencies: ['zlib'], files: { big } },
    zlib: { files: { big } },
  });
  const controller = new AbortController();
  const reason = new Error('enough');
  const sign = async (text: Uint8Array) => {
    controller.abort(reason);
    return text;
  };
  await assert.rejects(
    pushFrom(store, { names: ['app'], sign, signal: controller.signal }),
    (error) => error === reason,
  );
  assert.deepEqual(filesOf(store), []);
  await assert.rejects(pushFrom(store, { signal: controller.signal }), (error) => error === reason);
});

test('push refuses mirrors that are only read', async (context) => {
  const store = makeSmallStore(context, ONE);
  await assert.rejects(
    pushFrom(store, { to: 'https://localhost/cache' }),
    (error) => error instanceof MirrorError && error.code === 'mirror-read-only' && error.hint !== undefined,
  );
});

test('push hands the specfile to the signing after the package was packed', async (context) => {
  const store = makeSmallStore(context, ONE);
  let seen: string[] = ['unset'];
  await pushFrom(
    store,
    atTheEnd(() => {
      seen = filesOf(store).filter((path) => !path.startsWith('.regraft-tmp/'));
    }),
  );
  assert.deepEqual(seen, [], 'nothing is visible before');
  assert.equal(filesOf(store).length, 2);
});

test('tar-stream reads a pushed package', async (context) => {
  const store = makeSmallStore(context, {
    zlib: { files: { 'share/\xc3\xbc': 'text', [`long/${'n'.repeat(150)}`]: 'x' } },
  });
  await pushFrom(store);
  const names: string[] = [];
  const reader = extract();
  reader.on('entry', (header, stream, next) => {
    names.push(header.name);
    stream.on('end', next).resume();
  });
  const done = new Promise<void>((resolve, reject) =>
    reader.on('finish', () => resolve()).on('error', reject),
  );
  Readable.from([gunzipSync(readFileSync(join(store.folder, 'mirror', TARBALL('zlib'))))]).pipe(reader);
  await done;
  assert.ok(
    names.some((name) => name.endsWith('/share/ü')) && names.some((name) => name.endsWith('n'.repeat(150))),
  );
});

const hasPython = spawnSync('python3', ['-c', '']).status === 0;

test('Python reads a pushed package', { skip: !hasPython && 'there is no python3' }, async (context) => {
  const store = makeSmallStore(context, {
    zlib: { files: { 'share/\xff': 'text', [`long/${'n'.repeat(150)}`]: 'x' } },
  });
  await pushFrom(store, { layout: 2 });
  const program = `
import json, sys, tarfile
with tarfile.open(sys.argv[1], 'r:gz') as tar:
    json.dump([[m.name.encode('utf-8', 'surrogateescape').decode('latin-1'), m.size, m.mode, m.type.decode()] for m in tar], sys.stdout)`;
  const { stdout } = spawnSync('python3', ['-c', program, join(store.folder, 'mirror', TARBALL('zlib'))]);
  const types: Readonly<Record<string, string>> = { file: '0', directory: '5' };
  const expected = readPushed(store).members.map(({ entry }) => [
    entry.path,
    entry.size,
    entry.mode,
    types[entry.type],
  ]);
  assert.deepEqual(JSON.parse(stdout.toString()), expected);
});
