import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runHere } from '../../../helpers/program-run.js';
import { checkCode, publishPlace } from '../../../helpers/publish-place.js';
import { layer3Mirror } from '../../../operations/mirror/layer-3-mirror.js';

async function place(test: TestContext) {
  const mirror = await layer3Mirror(test, { packages: 2 });
  const folder = dirname(mirror.folder);
  const check = (...args: readonly string[]) =>
    runHere(['mirror', 'check', mirror.folder, ...args], { folder });
  return { mirror, check };
}

describe('regraft mirror check', () => {
  it('says what there is, and that nothing is wrong', async (test) => {
    const { mirror, check } = await place(test);
    const { out, err, exitCode } = await check('--no-check-signature', '--deep');
    assert.deepEqual([err, exitCode], ['', 0]);
    assert.match(out, /^layout 3: 2 packages, 5 blobs of .*, 1 index, 0 keys\n/);
    assert.match(out, /\nnothing is wrong, checked deeply in .*, at file:.*mirror\n$/);
    const shallow = await check('--no-check-signature', '--json');
    const { milliseconds, layers, ...report } = JSON.parse(shallow.out);
    assert.deepEqual(report, {
      mirror: `file://${mirror.folder}`,
      ok: true,
      deep: false,
      findings: [],
    });
    assert.equal(typeof milliseconds, 'number');
    assert.deepEqual(
      layers.map(({ bytes, ...numbers }: { bytes: number }) => [bytes > 0, numbers]),
      [[true, { layouts: '3', packages: 2, indexes: 1, keys: 0, contents: 5 }]],
    );
  });

  it('tells errors with their codes, and ends with 1', async (test) => {
    const { mirror, check } = await place(test);
    rmSync(mirror.tarball(1));
    writeFileSync(mirror.tarball(0), 'something else');
    const shallow = await check('--no-check-signature');
    assert.equal(shallow.exitCode, 1);
    assert.match(shallow.out, /^error: .*\n( {2}hint: .*\n)? {2}code: blob-missing$/m);
    assert.match(shallow.out, /^2 errors, checked without reading tarballs in /m);
    const deep = await check('--no-check-signature', '--deep', '--json');
    const { ok, findings } = JSON.parse(deep.out);
    assert.deepEqual([deep.exitCode, ok], [1, false]);
    const codes = findings.map((each: { code: string; severity: string }) => [each.severity, each.code]);
    assert.deepEqual(codes.sort(), [
      ['error', 'blob-missing'],
      ['error', 'size-mismatch'],
    ]);
    for (const { location, message, package: named } of findings) {
      assert.ok(message.includes(location) || location.includes(mirror.folder));
      // What only content is wrong with has no package.
      if (named !== undefined) assert.match(named.name, /^p[01]$/);
    }
  });

  it('wants signatures by trusted keys, unless told otherwise', async (test) => {
    const { check } = await place(test);
    const { out, exitCode } = await check();
    assert.equal(exitCode, 1);
    assert.equal(out.match(/code: signature-missing/g)?.length, 2);
    const signed = await publishPlace(test, true);
    const untrusted = await signed.run('mirror', 'check', signed.cache.folder);
    assert.equal(untrusted.exitCode, 1);
    assert.match(untrusted.out, /code: signature-unknown-key/);
    const keyring = join(signed.folder, 'public.asc');
    writeFileSync(keyring, signed.key.toPublic().armor());
    const trusted = await signed.run('mirror', 'check', signed.cache.folder, '--keyring', keyring);
    assert.equal(trusted.exitCode, 0, trusted.out);
    assert.match(trusted.out, /^layout 0-2: 2 packages, 2 tarballs of /);
  });

  it('refuses what cannot be listed, and what is not there', async (test) => {
    const { mirror, check } = await place(test);
    const folder = dirname(mirror.folder);
    const other = (reference: string) => runHere(['mirror', 'check', reference], { folder });
    checkCode(await other('http://127.0.0.1:1/'), 2, 'mirror-protocol');
    checkCode(await other('misspelled'), 2, 'unknown-mirror');
    checkCode(await other(join(folder, 'absent')), 1, 'mirror-unreachable');
    checkCode(await check('--keyring', join(folder, 'absent')), 2, 'key-unreadable');
    assert.equal((await check('--jobs', '0')).exitCode, 2);
  });
});
