// The executable as a process of its own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { buildCache, hashFor } from '../helpers/cache-builder.js';
import { installedIn, rootOf } from '../helpers/install-run.js';
import { packageVersion, resultOf, startProgram } from '../helpers/program-run.js';
import { temporaryFolder } from '../store/temporary-folder.js';

async function place(test: TestContext, packages: number) {
  const folder = temporaryFolder(test);
  const sketches = Array.from({ length: packages }, (_, i) => ({ name: `package-${i}` }));
  const cache = await buildCache(join(folder, 'mirror'), sketches);
  return { folder, from: ['--mirror', cache.folder] };
}

/** Repeats the one package of an index under other names. */
function fillIndex(path: string, count: number): void {
  const text = readFileSync(path, 'utf8');
  const { database } = JSON.parse(text);
  const [record] = Object.values(database.installs) as { spec: object }[];
  for (let i = 1; i < count; i++) {
    const name = `package-${i}`;
    database.installs[hashFor(name)] = { ...record, spec: { ...record?.spec, name, hash: hashFor(name) } };
  }
  writeFileSync(path, JSON.stringify({ database }));
  rmSync(`${path}.hash`);
}

describe('main', () => {
  it('gives the exit code to the shell', async (test) => {
    const { folder } = await place(test, 0);
    assert.deepEqual(await resultOf(startProgram(['--version'], { folder })), {
      exitCode: 0,
      out: `${packageVersion()}\n`,
      err: '',
    });
    const { exitCode, out, err } = await resultOf(startProgram(['list'], { folder }));
    assert.deepEqual([exitCode, out], [2, '']);
    assert.match(err, /code: no-mirror/);
  });

  it('is quiet when nobody reads its results any more', async (test) => {
    const { folder, from } = await place(test, 1);
    fillIndex(join(folder, 'mirror/build_cache/index.json'), 5000);
    const child = startProgram(['list', '-L', ...from], { folder });
    assert.ok(child.stdout);
    const [first] = await once(child.stdout, 'data');
    assert.match(String(first), /^-- /);
    child.stdout.destroy();
    let err = '';
    child.stderr?.on('data', (text) => {
      err += text;
    });
    const [exitCode] = await once(child, 'close');
    assert.deepEqual([exitCode, err], [0, '']);
  });

  it('installs to the end when nobody reads what it says', async (test) => {
    const { folder, from } = await place(test, 3);
    const names = [0, 1, 2].map((i) => `package-${i}/${hashFor(`package-${i}`)}`);
    const args = [
      'install',
      ...names,
      ...from,
      '--root',
      rootOf(folder),
      '--no-check-signature',
      '--json=lines',
    ];
    const child = startProgram(args, { folder });
    child.stdout?.destroy();
    child.stderr?.destroy();
    const [exitCode] = await once(child, 'close');
    assert.equal(exitCode, 0);
    assert.deepEqual(installedIn(folder), ['package-0-1.0', 'package-1-1.0', 'package-2-1.0']);
  });
});
