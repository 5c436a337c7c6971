import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { checkCode, publishPlace } from '../../../helpers/publish-place.js';

interface Migrated {
  readonly name: string;
  readonly outcome: string;
  readonly signed: boolean;
  readonly error?: { readonly code: string };
}

async function place(test: TestContext, signed = false) {
  const here = await publishPlace(test, signed);
  const keyring = join(here.folder, 'public.asc');
  writeFileSync(keyring, here.key.toPublic().armor());
  const { folder: source } = here.cache;
  const migrate = (...args: readonly string[]) => here.run('mirror', 'migrate', source, ...args);
  const outcomes = (out: string) =>
    (JSON.parse(out).packages as Migrated[]).map(({ name, outcome }) => [name, outcome]);
  return { ...here, keyring, source, migrate, outcomes };
}

const manifestsIn = (folder: string) => readdirSync(join(folder, 'v3/manifests/spec')).sort();

describe('regraft mirror migrate', () => {
  it('carries packages over in place, once, and leaves the old ones', async (test) => {
    const { source, migrate, run } = await place(test);
    const { out, err, exitCode } = await migrate('--unsigned');
    assert.deepEqual([err, exitCode], ['', 0]);
    assert.match(out, /^migrated {6}base@.*, unsigned$/m);
    assert.match(out, /^2 migrated, in .*, to file:.*mirror$/m);
    assert.deepEqual(manifestsIn(source), ['base', 'top']);
    assert.ok(existsSync(join(source, 'build_cache/index.json')));
    assert.match((await migrate('--unsigned')).out, /^0 migrated, 2 already there, in /m);
    const checked = await run('mirror', 'check', source, '--deep', '--no-check-signature');
    assert.equal(checked.exitCode, 0, checked.out);
  });

  it('verifies, and signs anew, to another place; the report is plain data', async (test) => {
    const { folder, source, keyring, keyFile, migrate, outcomes, run } = await place(test, true);
    const target = join(folder, 'target');
    const { out, exitCode } = await migrate(target, '--keyring', keyring, '--key', keyFile, '--json');
    assert.equal(exitCode, 0);
    assert.deepEqual(outcomes(out), [
      ['base', 'migrated'],
      ['top', 'migrated'],
    ]);
    const report = JSON.parse(out);
    assert.deepEqual([report.source, report.destination], [`file://${source}`, `file://${target}`]);
    assert.ok(report.packages.every(({ signed }: Migrated) => signed));
    assert.ok(!existsSync(join(source, 'v3')));
    const checked = await run('mirror', 'check', target, '--deep', '--keyring', keyring);
    assert.equal(checked.exitCode, 0, checked.out);
  });

  it('removes the old ones on request', async (test) => {
    const { source, migrate, run } = await place(test);
    const { out, exitCode } = await migrate('--unsigned', '--delete-old');
    assert.equal(exitCode, 0);
    assert.match(out, /^2 migrated, \d+ old files of .* removed, in /m);
    const left = await run('mirror', 'check', source, '--json', '--no-check-signature');
    assert.deepEqual(
      JSON.parse(left.out).layers.map(({ layouts }: { layouts: string }) => layouts),
      ['3'],
    );
  });

  it('refuses packages that are not signed, and ends as their error says', async (test) => {
    const { keyFile, migrate, outcomes, source } = await place(test);
    const refused = await migrate('--key', keyFile, '--json');
    assert.equal(refused.exitCode, 4);
    assert.deepEqual(outcomes(refused.out), [
      ['base', 'failed'],
      ['top', 'failed'],
    ]);
    const [first] = JSON.parse(refused.out).packages as Migrated[];
    assert.equal(first?.error?.code, 'signature-missing');
    assert.match((await migrate('--key', keyFile)).err, /code: signature-missing\n$/);
    assert.ok(!existsSync(join(source, 'v3/manifests/spec')));
  });

  it('tells one broken package, carries the others, and keeps all that is old', async (test) => {
    const { cache, source, migrate } = await place(test);
    rmSync(join(source, cache.get('top').tarball));
    const { out, err, exitCode } = await migrate('--unsigned', '--delete-old');
    assert.notEqual(exitCode, 0);
    assert.match(err, /code: mirror-not-found\n/);
    assert.match(out, /^1 migrated, 1 failed, in /m);
    assert.ok(existsSync(join(source, cache.get('base').tarball)));
  });

  it('refuses places and keys that cannot be used', async (test) => {
    const { folder, migrate, run } = await place(test);
    checkCode(await migrate('--key', join(folder, 'absent')), 2, 'key-unreadable');
    checkCode(await migrate('http://127.0.0.1:1/', '--unsigned'), 1, 'mirror-read-only');
    checkCode(await run('mirror', 'migrate', 'misspelled', '--unsigned'), 2, 'unknown-mirror');
    assert.equal((await run('mirror', 'migrate')).exitCode, 2);
  });
});
