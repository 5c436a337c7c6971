// Several processes and one store: at the same time, killed in the middle, interrupted, and without the right to write.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { buildCache } from '../../helpers/cache-builder.js';
import { checkNothingLeft, installedIn, recordsOf, rootOf } from '../../helpers/install-run.js';
import { MirrorServer, serveGated } from '../../helpers/mirror-server.js';
import { MAIN, programEnvironment, resultOf, startProgram } from '../../helpers/program-run.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

interface Served {
  readonly folder: string;
  readonly server: MirrorServer;
  /** Sends the first half of the tarball; the rest comes with `release`. */
  readonly release: () => void;
  /** Resolves when the tarball was asked for. */
  readonly asked: Promise<unknown>;
  readonly args: readonly string[];
  readonly stages: () => string[];
}

async function served(test: TestContext): Promise<Served> {
  const folder = temporaryFolder(test);
  const cache = await buildCache(join(folder, 'mirror'), [
    { name: 'top', members: [{ name: 'noise', body: noise() }] },
  ]);
  const server = await MirrorServer.start({ folder: cache.folder });
  test.after(() => server.close());
  const bytes = readFileSync(join(cache.folder, cache.get('top').tarball));
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let wasAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    wasAsked = resolve;
  });
  const half = bytes.length >> 1;
  server.handle(`/${cache.get('top').tarball}`, (request, response) => {
    wasAsked();
    return serveGated(bytes.subarray(0, half), bytes.subarray(half), gate)(request, response);
  });
  const args = ['install', 'top', '--mirror', server.url, '--root', rootOf(folder), '--no-check-signature'];
  const stages = () => listed(join(rootOf(folder), '.spack-db/regraft/stage'));
  return { folder, server, release, asked, args, stages };
}

/** Does not compress: half of the tarball is within this member. */
function noise(): Buffer {
  const bytes = Buffer.alloc(2_000_000);
  let state = 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function listed(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

describe('two processes that install the same package', () => {
  it('both succeed, and one of them does the work', async (test) => {
    const { folder, server, release, asked, args } = await served(test);
    const children = [startProgram(args, { folder }), startProgram(args, { folder: join(folder, 'other') })];
    const results = children.map((child) => resultOf(child));
    await asked;
    release();
    const [first, second] = await Promise.all(results);
    assert.deepEqual([first?.exitCode, second?.exitCode], [0, 0], `${first?.err}${second?.err}`);
    assert.equal(server.log.filter((line) => line.endsWith('.spack')).length, 1);
    const said = `${first?.out}${second?.out}`;
    assert.match(said, /^installed /m);
    assert.match(said, /^already-installed /m);
    assert.deepEqual([...recordsOf(folder).keys()], ['top']);
    checkNothingLeft(folder);
  });
});

describe('a process that dies in the middle', () => {
  it('leaves no prefix, and the next one cleans up and works', async (test) => {
    const { folder, release, asked, args, stages } = await served(test);
    const child = startProgram(args, { folder });
    const ended = once(child, 'close');
    await asked;
    await until(() => stages().length === 1);
    child.kill('SIGKILL');
    await ended;
    assert.equal(stages().length, 1, 'the stage is left');
    assert.deepEqual(installedIn(folder), []);
    assert.equal(recordsOf(folder).size, 0);
    release();
    const result = await resultOf(startProgram(args, { folder }));
    assert.equal(result.exitCode, 0, result.err);
    assert.deepEqual(installedIn(folder), ['top-1.0']);
    assert.deepEqual(stages(), []);
    checkNothingLeft(folder);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`says so when it is told to by ${signal}, and leaves nothing`, async (test) => {
      const { folder, asked, args, stages } = await served(test);
      const child = startProgram(args, { folder });
      const result = resultOf(child);
      await asked;
      await until(() => stages().length === 1);
      child.kill(signal);
      const { exitCode, out, err } = await result;
      assert.deepEqual([exitCode, out, err], [130, '', 'interrupted\n']);
      assert.equal(recordsOf(folder).size, 0);
      checkNothingLeft(folder);
    });
  }
});

/** Waits for something that another process does to the file system. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

describe('a user who may not write', { skip: !isRoot && 'only root can become another user' }, () => {
  async function runAsNobody(test: TestContext, mode: number) {
    const { folder, args, release } = await served(test);
    release();
    chmodSync(folder, 0o755);
    for (const name of ['opt', 'home']) mkdirSync(join(folder, name));
    chmodSync(rootOf(folder), mode);
    chownSync(join(folder, 'home'), NOBODY, NOBODY);
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: programEnvironment(join(folder, 'home')),
      stdio: ['ignore', 'pipe', 'pipe'],
      uid: NOBODY,
      gid: NOBODY,
    });
    return { folder, ...(await resultOf(child)) };
  }

  it('is told so, and nothing changes', async (test) => {
    const { folder, exitCode, out, err } = await runAsNobody(test, 0o755);
    assert.equal(exitCode, 2, err);
    assert.match(err, /permission denied/);
    assert.match(err, /code: root-unusable/);
    assert.doesNotMatch(err, /\bat .*\.js/);
    assert.equal(out, '');
    assert.deepEqual(readdirSync(rootOf(folder)), []);
  });

  it('is told so when the root cannot even be looked at', async (test) => {
    const { exitCode, err } = await runAsNobody(test, 0o700);
    assert.equal(exitCode, 2, err);
    assert.match(err, /code: root-unusable/);
  });
});
