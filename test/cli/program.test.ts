// The command line in this process: results, exit codes, and what it says about every kind of wrong usage.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import type { PrivateKey } from 'openpgp';
import { type BuiltCache, buildCache, hashFor, type PackageSketch } from '../helpers/cache-builder.js';
import { installedIn, rootOf } from '../helpers/install-run.js';
import { MirrorServer, redirectTo } from '../helpers/mirror-server.js';
import { type ProgramOptions, type ProgramResult, runHere } from '../helpers/program-run.js';
import { makeKey } from '../signature/temporary-keys.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const STACK: readonly PackageSketch[] = [
  { name: 'base' },
  { name: 'top', dependencies: ['base'] },
  { name: 'broken', spoilTarball: (bytes) => bytes.subarray(1) },
];

interface Place {
  readonly folder: string;
  readonly root: string;
  readonly cache: BuiltCache;
  run(args: readonly string[], options?: Partial<ProgramOptions>): Promise<ProgramResult>;
  /** Runs `install` from the cache into the store, without signatures. */
  install(...args: readonly string[]): Promise<ProgramResult>;
}

async function place(test: TestContext, sketches = STACK): Promise<Place> {
  const folder = temporaryFolder(test);
  const cache = await buildCache(join(folder, 'mirror'), sketches);
  const root = rootOf(folder);
  const run: Place['run'] = (args, options) => runHere(args, { folder, ...options });
  const target = ['--mirror', cache.folder, '--root', root, '--no-check-signature'];
  return { folder, root, cache, run, install: (...args) => run(['install', ...args, ...target]) };
}

/** An error for people: one line that says it, perhaps a hint, the code; never a stack trace. */
function checkError({ err }: ProgramResult, code: string): void {
  assert.match(err, new RegExp(`^error: [A-Z].*\\n(  hint: .*\\n)?  code: ${code}\\n$`), err);
  assert.doesNotMatch(err, /\n\s+at |node:internal|\.js:\d/);
}

describe('regraft install', () => {
  it('says what it did, in one line per package and one for all', async (test) => {
    const { folder, root, install } = await place(test);
    const result = await install('top');
    assert.equal(result.exitCode, 0, result.err);
    assert.equal(result.err, '');
    const lines = result.out.trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.match(
      lines[0] ?? '',
      /^installed {8} base@1\.0\/base\w{3} {2}.*; signature not checked; relocated 2 text files, 1 binary \(1 rpath, 1 C string\), 1 link; ms: /,
    );
    assert.match(lines[2] ?? '', new RegExp(`^2 installed, in .*, at ${root} \\(engine \\w+: .*\\)$`));
    assert.deepEqual(installedIn(folder), ['base-1.0', 'top-1.0']);
    const again = await install('top');
    assert.match(again.out, /^already-installed base.*\nalready-installed top.*\n2 already installed, in/);
  });

  it('prints one JSON document', async (test) => {
    const { root, install } = await place(test);
    for (const flag of ['--json', '--json=document']) {
      const { out, err, exitCode } = await install(flag, 'top');
      assert.deepEqual([err, exitCode], ['', 0]);
      const report = JSON.parse(out);
      assert.equal(report.root, root);
      assert.deepEqual(
        report.packages.map((each: { name: string }) => each.name),
        ['base', 'top'],
      );
    }
  });

  it('prints an event per line, the result last', async (test) => {
    const { install } = await place(test);
    const { out, exitCode } = await install('--json=lines', '--jobs', '1', 'top');
    assert.equal(exitCode, 0);
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual([...new Set(events.map(({ type }) => type))].sort(), [
      'package-finished',
      'package-progress',
      'package-started',
      'result',
    ]);
    assert.equal(events.at(-1).result.packages.length, 2);
  });

  it('tells failures on stderr, what was skipped with its reason, and the right exit code', async (test) => {
    const { install } = await place(test, [
      { name: 'bad', spoilTarball: (bytes) => bytes.subarray(1) },
      { name: 'top', dependencies: ['bad'] },
    ]);
    const result = await install('top');
    assert.equal(result.exitCode, 4);
    checkError(result, 'checksum-mismatch');
    assert.match(
      result.out,
      /^failed {11} bad@1\.0.*\nskipped {10} top@1\.0.*sha256.*\n1 failed, 1 skipped, in/,
    );
    const { out } = await install('--json', 'top');
    const { code, message, hint } = JSON.parse(out).packages[0].error;
    assert.equal(code, 'checksum-mismatch');
    assert.ok(message.length > 20 && hint.length > 10);
  });

  it('installs what a specfile, a lockfile, or a hash names', async (test) => {
    const { folder, cache, install } = await place(test);
    const specfile = join(folder, 'top.spec.json');
    writeFileSync(specfile, readFileSync(join(cache.folder, cache.get('top').specfile)));
    const nodes = JSON.parse(readFileSync(specfile, 'utf8')).spec.nodes as { hash: string }[];
    const lockfile = join(folder, 'spack.lock');
    writeFileSync(
      lockfile,
      JSON.stringify({
        _meta: { 'file-type': 'spack-lockfile', 'lockfile-version': 5, 'specfile-version': 4 },
        roots: [{ hash: nodes[0]?.hash, spec: 'top' }],
        concrete_specs: Object.fromEntries(nodes.map((node) => [node.hash, node])),
      }),
    );
    assert.match((await install(specfile)).out, /^2 installed/m);
    for (const name of [
      lockfile,
      `/${hashFor('top')}`,
      `/${hashFor('top').slice(0, 6)}`,
      'top@1.0',
      `top/${hashFor('top').slice(0, 5)}`,
    ])
      assert.match((await install(name)).out, /^2 already installed/m, name);
  });

  it('says what it does while it works, but only on a terminal', async (test) => {
    const { cache, run } = await place(test, [{ name: 'top' }]);
    const args = ['install', 'top', '--mirror', cache.folder, '--no-check-signature', '--root'];
    const live = await run([...args, join(cache.folder, 'a')], { isTerminal: true });
    assert.match(live.err, / {2}top: .*B/);
    assert.ok(live.err.includes('\x1b['), 'lines are drawn again in place');
    assert.ok(!live.out.includes('\x1b'));
    assert.equal((await run([...args, join(cache.folder, 'b')])).err, '');
    const json = await run([...args, join(cache.folder, 'c'), '--json'], { isTerminal: true });
    assert.equal(json.err, '');
  });
});

describe('padding', () => {
  const isShown = (text: string) => text.includes('__spack_path_placeholder__');

  it('is never printed, unless full paths are asked for', async (test) => {
    const { root, cache, run } = await place(test);
    const common = [
      '--mirror',
      cache.folder,
      '--root',
      root,
      '--padded-length',
      '180',
      '--no-check-signature',
    ];
    for (const form of [[], ['--json'], ['--json=lines']]) {
      const result = await run(['install', 'top', 'broken', '--force', ...form, ...common]);
      assert.equal(result.exitCode, 4);
      assert.ok(!isShown(result.out) && !isShown(result.err), `install ${form}`);
      assert.match(result.out, /\[padded-to-180-chars\]/);
    }
    const installed = JSON.parse((await run(['install', 'top', '--full-paths', '--json', ...common])).out);
    assert.ok(isShown(installed.root) && installed.root.length === 180);
    for (const form of [[], ['--json'], ['--json=lines']]) {
      const result = await run(['find', '--paths', '--root', installed.root, ...form]);
      assert.ok(!isShown(result.out) && result.out.includes('[padded-to-180-chars]'), `find ${form}`);
      assert.ok(
        isShown((await run(['find', '--paths', '--full-paths', '--root', installed.root, ...form])).out),
      );
    }
    const lost = await run(['find', '--root', join(installed.root, 'not', 'here')]);
    assert.ok(lost.exitCode !== 0 && !isShown(lost.err) && lost.err.includes('[padded-to-'), lost.err);
  });

  it('is not printed on a terminal or in a debug trace either', async (test) => {
    const { root, cache, run } = await place(test);
    const padded = `${root}/__spack_path_placeholder__/__spack_path_placeholder__/__spack`;
    const args = [
      'install',
      'top',
      'broken',
      '--mirror',
      cache.folder,
      '--root',
      padded,
      '--no-check-signature',
    ];
    const live = await run(args, { isTerminal: true });
    assert.ok(!isShown(live.err) && !isShown(live.out));
    const traced = await run(['find', '--root', `${padded}/x`], { environment: { REGRAFT_DEBUG: '1' } });
    assert.match(traced.err, /\n\s+at /);
    assert.ok(!isShown(traced.err));
  });
});

describe('regraft list and find', () => {
  it('list what a cache has', async (test) => {
    const { cache, run } = await place(test);
    const list = (...args: readonly string[]) => run(['list', ...args, '--mirror', cache.folder]);
    const { out, exitCode } = await list();
    assert.equal(exitCode, 0);
    assert.match(out, /^-- \w+-debian12-x86_64 \/ gcc@12\.2\.0 -+\nbase@1\.0\nbroken@1\.0\ntop@1\.0\n$/);
    assert.match((await list('top', '-l')).out, /\ntop\w{4} +top@1\.0\n$/);
    assert.match((await list('top', '-L')).out, new RegExp(`${hashFor('top')} +top@1\\.0`));
    assert.match((await list('top', '-v')).out, /top@1\.0.*\+shared/);
    const { packages } = JSON.parse((await list('--json', 'top')).out);
    assert.equal(packages.length, 1);
    assert.equal(packages[0].hash, hashFor('top'));
    assert.equal((await list('nothing')).exitCode, 3);
  });

  it('find what a store has', async (test) => {
    const { root, install, run } = await place(test);
    await install('top');
    const find = (...args: readonly string[]) => run(['find', ...args, '--root', root]);
    assert.match((await find()).out, /\nbase@1\.0\ntop@1\.0\n$/);
    assert.match((await find('--explicit')).out, /-\ntop@1\.0\n$/);
    const { packages } = JSON.parse((await find('--json', 'base')).out);
    assert.equal(packages[0].explicit, false);
    assert.ok(packages[0].prefix.startsWith(root));
    assert.equal((await find('nothing')).exitCode, 3);
  });
});

describe('regraft inspect', () => {
  it('says what a file is', async (test) => {
    const { folder, cache, run } = await place(test);
    writeFileSync(join(folder, 'script'), '#!/bin/sh\n');
    const inspect = async (path: string) => JSON.parse((await run(['inspect', path, '--json'])).out);
    assert.equal((await inspect(join(cache.folder, cache.get('top').specfile))).kind, 'specfile');
    assert.equal((await inspect(join(cache.folder, cache.get('top').tarball))).kind, 'tarball');
    assert.equal((await inspect(join(cache.folder, 'build_cache/index.json'))).kind, 'package-index');
    assert.equal((await inspect(join(folder, 'script'))).kind, 'script');
    writeFileSync(join(folder, 'other.json'), '{"name": "/usr/share/x"}');
    const other = await inspect(join(folder, 'other.json'));
    assert.deepEqual([other.kind, other.paths.strings[0].path], ['other', '/usr/share/x']);
    for (const path of [cache.get('top').specfile, cache.get('top').tarball, 'build_cache/index.json'])
      assert.equal((await run(['inspect', join(cache.folder, path)])).exitCode, 0);
  });

  it('shows tables, names and paths of programs, and the prefixes of paths', async (test) => {
    const { run } = await place(test);
    const fixture = (name: string) => join(process.cwd(), 'test/fixtures-binaries', name);
    const elf = await run(['inspect', fixture('libgreet.so.1'), '--prefix', '/old/store']);
    for (const text of [
      /runpath +\/old\/store\/greet\/lib/,
      /\n {2}PT_LOAD /,
      /\n {2}\.dynstr +SHT_STRTAB/,
      /DT_SONAME +libgreet/,
    ])
      assert.match(elf.out, text);
    assert.match(elf.out, /0x[0-9a-f]+ +\/old\/store\/greet\/lib +prefix \/old\/store\n/);
    const macho = JSON.parse((await run(['inspect', fixture('hello-macho'), '--json', '--limit', '1'])).out);
    assert.deepEqual(macho.slices[0].rpaths, ['/old/store/greet/lib', '@loader_path/../lib']);
    assert.equal(macho.slices[0].signature.fits, true);
    assert.equal(macho.paths.limited, true);
    assert.match(
      (await run(['inspect', fixture('hello-macho')])).out,
      /signature +ad hoc; all page hashes match/,
    );
    const wrong = await run(['inspect', fixture('hello-macho'), '--prefix', 'x']);
    assert.equal(wrong.exitCode, 2);
  });

  it('says what is wrong with a file', async (test) => {
    const { folder, cache, run } = await place(test);
    const bytes = readFileSync(join(cache.folder, cache.get('top').tarball));
    const cut = join(folder, 'cut.spack');
    writeFileSync(cut, bytes.subarray(0, bytes.length >> 1));
    const result = await run(['inspect', cut]);
    assert.equal(result.exitCode, 4);
    checkError(result, 'gzip-truncated');
  });
});

describe('wrong usage', () => {
  it('gets a clear error and the right exit code', async (test) => {
    const { folder, root, cache, run } = await place(test, [
      ...STACK,
      { name: 'twin', version: '1.0' },
      { name: 'alien', platform: 'windows' },
    ]);
    writeFileSync(join(folder, 'file'), 'x');
    writeFileSync(join(folder, 'bad.spec.json'), '{');
    mkdirSync(join(folder, 'empty'));
    const to = ['--root', root];
    const from = ['--mirror', cache.folder];
    const both = [...to, ...from, '--no-check-signature'];
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [['install', 'top', ...to], 2, 'no-mirror'],
      [['list'], 2, 'no-mirror'],
      [['list', '--mirror', 'ftp://host/cache'], 2, 'mirror-protocol'],
      [['install', 'top', ...to, '--mirror', 'oci://ghcr.io'], 2, 'mirror-protocol'],
      [['list', '--mirror', 'gopher://host/'], 2, 'mirror-protocol'],
      [['install', 'nothing', ...both], 3, 'spec-not-found'],
      [['install', '/zzzzzzz', ...both], 3, 'spec-not-found'],
      [['install', 'top@9.9', ...both], 3, 'spec-not-found'],
      [['install', 'top@', ...both], 2, 'spec-syntax'],
      [['install', '', ...both], 2, 'spec-syntax'],
      [['install', '%%%', ...both], 2, 'spec-syntax'],
      [['install', join(folder, 'missing.spec.json'), ...both], 2, 'usage'],
      [['install', join(folder, 'bad.spec.json'), ...both], 1, 'metadata-syntax'],
      [['install', 'top', ...both, '--projection', '../{name}'], 2, 'projection'],
      [['install', 'top', ...both, '--projection', '{nonsense}'], 2, 'projection'],
      [['install', 'top', ...both, '--projection', '{name'], 2, 'projection'],
      [['install', 'top', ...both, '--padded-length', '5'], 2, 'padding'],
      [['install', 'top', ...both, '--padded-length', 'long'], 2, 'usage'],
      [['install', 'top', ...both, '--padded-length', '-1'], 2, 'usage'],
      [['install', 'top', ...both, '--jobs', '0'], 2, 'usage'],
      [['install', 'top', ...both, '--jobs', '1.5'], 2, 'usage'],
      [['install', 'top', ...both, '--jobs', ''], 2, 'usage'],
      [['install', 'top', ...both, '--sha256', 'abc'], 2, 'usage'],
      [['install', 'top', 'base', ...both, '--sha256', '0'.repeat(64)], 2, 'usage'],
      [['install', 'top', ...both, '--keyring', join(folder, 'missing.pub')], 2, 'key-unreadable'],
      [['install', 'top', ...both, '--keyring', join(folder, 'file')], 2, 'key-unreadable'],
      [['install', 'top', ...both, '--offline', '--refresh'], 2, 'usage'],
      [['install', 'alien', ...both], 2, 'not-relocatable-platform'],
      [['install', 'top', ...from, '--root', join(folder, 'file')], 2, 'root-unusable'],
      [['install', 'top', ...from, '--root', ''], 2, 'usage'],
      [['find', '--root', join(folder, 'file')], 2, 'root-unusable'],
      [['find', '--root', join(folder, 'nowhere')], 2, 'root-unusable'],
      [['inspect', join(folder, 'nowhere')], 2, 'usage'],
      [['inspect', folder], 2, 'usage'],
      [['inspect', ''], 2, 'usage'],
      [['list', 'top@', ...from], 2, 'spec-syntax'],
      [['list', '--mirror', 'https://'], 2, 'mirror-protocol'],
    ];
    for (const [args, exitCode, code] of cases) {
      const result = await run(args);
      assert.equal(result.exitCode, exitCode, `${args.join(' ')}\n${result.err}`);
      checkError(result, code);
      assert.equal(result.out, '', `nothing on stdout: ${args.join(' ')}`);
      const json = await run([...args, '--json']);
      assert.equal(json.exitCode, exitCode);
      assert.equal(JSON.parse(json.out).error.code, code, 'the document has the error');
    }
    assert.deepEqual(installedIn(folder), []);
  });

  it('of options and commands is told by the option parser', async (test) => {
    const { folder, run } = await place(test);
    const cases: Readonly<Record<string, readonly string[]>> = {
      'unknown option': ['install', 'top', '--no-such-option'],
      'unknown command': ['instal', 'top'],
      "missing required argument 'spec'": ['install'],
      'argument missing': ['install', 'top', '--root'],
      'Allowed choices are package, dependencies': ['install', 'top', '--only', 'some'],
      'Allowed choices are auto, native, wasm, js': ['install', 'top', '--engine', 'turbo'],
      'Allowed choices are document, lines': ['list', '--json=xml'],
      Usage: [],
    };
    for (const [message, args] of Object.entries(cases)) {
      const result = await run(args);
      assert.equal(result.exitCode, 2, `${args.join(' ')}: ${result.err}`);
      assert.ok(result.err.includes(message), `${args.join(' ')}: ${result.err}`);
      assert.doesNotMatch(result.err, /\n\s+at /);
    }
    assert.deepEqual(installedIn(folder), []);
  });

  it('help and the version are no errors', async (test) => {
    const { run } = await place(test, []);
    for (const args of [['--help'], ['install', '--help'], ['find', '-h']]) {
      const { exitCode, out, err } = await run(args);
      assert.deepEqual([exitCode, err], [0, ''], args.join(' '));
      assert.match(out, /^Usage: regraft/);
    }
    assert.deepEqual(await run(['--version']), { exitCode: 0, out: '9.8.7\n', err: '' });
  });

  it('an ambiguous spec lists the candidates', async (test) => {
    const folder = temporaryFolder(test);
    const first = await buildCache(join(folder, 'first'), [{ name: 'twin' }]);
    const second = await buildCache(join(folder, 'second'), [{ name: 'twin', version: '2.0' }]);
    const mirrors = ['--mirror', first.folder, second.folder];
    const result = await runHere(['install', 'twin', ...mirrors, '--root', rootOf(folder)], { folder });
    assert.equal(result.exitCode, 2, result.err);
    assert.match(result.err, /code: spec-ambiguous/);
    for (const { hash } of [first.get('twin'), second.get('twin')])
      assert.ok(result.err.includes(hash.slice(0, 7)));
    const again = await runHere(
      ['install', 'twin@2.0', ...mirrors, '--root', rootOf(folder), '--no-check-signature'],
      {
        folder,
      },
    );
    assert.equal(again.exitCode, 0, again.err);
  });
});

describe('mirrors that answer something else', () => {
  async function serve(test: TestContext): Promise<{ server: MirrorServer; folder: string }> {
    const server = await MirrorServer.start();
    test.after(() => server.close());
    return { server, folder: temporaryFolder(test) };
  }

  it('HTML', async (test) => {
    const { server, folder } = await serve(test);
    const page = '<!doctype html><title>Welcome</title>';
    server.handle('/build_cache/index.json', page).handle('/build_cache/index.json.hash', page);
    const result = await runHere(['list', '--mirror', server.url], { folder });
    assert.equal(result.exitCode, 1, result.err);
    checkError(result, 'mirror-not-a-buildcache');
  });

  it('a redirect to itself', async (test) => {
    const { server, folder } = await serve(test);
    server.handle('/build_cache/index.json', redirectTo('/build_cache/index.json'));
    const result = await runHere(['list', '--mirror', server.url], { folder });
    assert.equal(result.exitCode, 1, result.err);
    checkError(result, 'mirror-redirect-loop');
  });

  it('nothing at all, where offline was asked for', async (test) => {
    const { server, folder } = await serve(test);
    const result = await runHere(['list', '--offline', '--mirror', server.url], { folder });
    assert.equal(result.exitCode, 3, result.err);
    checkError(result, 'index-not-cached');
    assert.deepEqual(server.log, []);
  });

  it('no index: that is no error for a list, and nothing is found in it', async (test) => {
    const { server, folder } = await serve(test);
    const list = await runHere(['list', '--mirror', server.url], { folder });
    assert.deepEqual([list.exitCode, list.out], [0, ''], list.err);
    const result = await runHere(['install', 'top', '--mirror', server.url, '--root', rootOf(folder)], {
      folder,
    });
    assert.equal(result.exitCode, 3);
    checkError(result, 'spec-not-found');
  });
});

describe('configured mirrors', () => {
  let key: PrivateKey;
  before(async () => {
    key = await makeKey();
  });

  it('serve when none is named; their names stand for them; trusted keys verify', async (test) => {
    const folder = temporaryFolder(test);
    const cache = await buildCache(join(folder, 'mirror'), [{ name: 'top' }], { key });
    const config = join(folder, 'config/regraft');
    mkdirSync(join(config, 'trusted-keys'), { recursive: true });
    writeFileSync(join(config, 'mirrors.yaml'), `mirrors:\n  mine: ${cache.folder}\n`);
    const to = ['--root', rootOf(folder)];
    const untrusted = await runHere(['install', 'top', ...to], { folder });
    assert.equal(untrusted.exitCode, 4);
    checkError(untrusted, 'signature-unknown-key');
    writeFileSync(join(config, 'trusted-keys/mine.pub'), key.toPublic().armor());
    assert.equal((await runHere(['install', 'top', ...to, '--mirror', 'mine'], { folder })).exitCode, 0);
    assert.match((await runHere(['list'], { folder })).out, /top@1\.0/);
    const unknown = await runHere(['list', '--mirror', 'yours'], { folder });
    assert.ok(
      unknown.exitCode === 0 || unknown.exitCode === 2,
      'a name that nobody configured may be a path',
    );
  });

  it('that cannot be read are an error', async (test) => {
    const folder = temporaryFolder(test);
    mkdirSync(join(folder, 'config/regraft'), { recursive: true });
    writeFileSync(join(folder, 'config/regraft/mirrors.yaml'), 'mirrors: [');
    const result = await runHere(['list'], { folder });
    assert.equal(result.exitCode, 2);
    checkError(result, 'config');
  });
});
