// What `regraft inspect` says of the files of layout 3.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  copyManifestMirror,
  INDEX_MANIFEST,
  MANIFEST_HASH,
  MANIFEST_KEYRING,
} from '../helpers/manifest-mirror.js';
import { runHere } from '../helpers/program-run.js';
import { checkCode } from '../helpers/publish-place.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const SIGNER = 'DF00AC06DD1883B51FEEF66972478A4B7BA1CF8C';
const TRUSTED = ['--keyring', MANIFEST_KEYRING];

function specManifestIn(mirror: string): string {
  const folder = join(mirror, 'v3/manifests/spec/scriptleaf');
  return join(folder, readdirSync(folder)[0] ?? '');
}

function place(test: TestContext) {
  const folder = temporaryFolder(test);
  const mirror = copyManifestMirror(join(folder, 'mirror'));
  const inspect = (...args: readonly string[]) => runHere(['inspect', ...args], { folder });
  const facts = async (...args: readonly string[]) => JSON.parse((await inspect(...args, '--json')).out);
  const manifest = specManifestIn(mirror);
  const signed = readFileSync(manifest, 'utf8');
  const text = signed.slice(signed.indexOf('{'), signed.lastIndexOf('}') + 1);
  /** A manifest without a signature that says something else. */
  const edited = (edit: (text: string) => string) => {
    const path = join(folder, 'edited.json');
    writeFileSync(path, edit(text));
    return path;
  };
  return { folder, mirror, manifest, signed, inspect, facts, edited };
}

describe('regraft inspect on layout 3', () => {
  it('shows the signature and the blobs of a package', async (test) => {
    const { manifest, inspect, facts } = place(test);
    const { kind, signed, signature, blobs, unknownTypes } = await facts(manifest, ...TRUSTED);
    assert.deepEqual([kind, signed, unknownTypes], ['manifest', true, []]);
    assert.deepEqual([signature.verified, signature.fingerprint], [true, SIGNER]);
    assert.match(signature.userId, /^Fixture Key/);
    assert.match(signature.signedAt, /^20\d\d-/);
    const stored = [...readFileSync(manifest, 'utf8').matchAll(/"checksum": ?"(\w{64})"/g)];
    assert.deepEqual(
      blobs.map(({ kind: what, sha256, compression }: Record<string, string>) => [what, sha256, compression]),
      [
        ['tarball', stored[0]?.[1], 'gzip'],
        ['spec', stored[1]?.[1], 'gzip'],
      ],
    );
    assert.equal(blobs[1].mediaType, 'application/vnd.spack.spec.v5+json');
    const { out, err, exitCode } = await inspect(manifest, ...TRUSTED);
    assert.deepEqual([err, exitCode], ['', 0]);
    assert.match(out, /^kind +manifest of a package, clearsigned$/m);
    assert.match(out, new RegExp(`^signature +verified, by ${SIGNER} Fixture Key .*, 20`, 'm'));
    assert.match(
      out,
      new RegExp(`^tarball +application/.*, ${blobs[0].size} bytes, compression: gzip$`, 'm'),
    );
    assert.match(out, new RegExp(`^sha256 of the spec +${blobs[1].sha256}$`, 'm'));
  });

  it('names the signer that nobody trusts, and a signature that is bad', async (test) => {
    const { manifest, signed, inspect, facts } = place(test);
    const { signature } = await facts(manifest);
    const { verified, keyId, fingerprint, error } = signature;
    assert.deepEqual([verified, keyId, fingerprint], [false, SIGNER.slice(-16), SIGNER]);
    assert.equal(error.code, 'signature-unknown-key');
    assert.match((await inspect(manifest)).out, new RegExp(`not verified, .*, by ${SIGNER}$`, 'm'));
    writeFileSync(manifest, signed.replace(/"version": ?3/, '"version":  3'));
    const bad = await inspect(manifest, ...TRUSTED);
    assert.match(
      bad.out,
      new RegExp(`^signature +BAD \\(signature-invalid\\), by ${SIGNER.slice(-16)}$`, 'm'),
    );
    assert.equal((await facts(manifest, ...TRUSTED)).signature.error.code, 'signature-invalid');
  });

  it('shows manifests that are not signed: of packages, indexes and keys', async (test) => {
    const { folder, mirror, inspect, facts, edited } = place(test);
    await runHere(['keys', 'push', MANIFEST_KEYRING, '-m', mirror], { folder });
    const keys = join(mirror, 'v3/manifests/key');
    for (const [path, subject, kinds] of [
      [edited((text) => text), 'a package', ['tarball', 'spec']],
      [join(mirror, INDEX_MANIFEST), 'a package index', ['index']],
      [join(keys, `${SIGNER}.key.manifest.json`), 'a key', ['key']],
      [join(keys, 'keys.manifest.json'), 'a key index', ['key index']],
    ] as const) {
      const { kind, signed, signature, blobs } = await facts(path);
      assert.deepEqual([kind, signed, signature], ['manifest', false, undefined], path);
      assert.deepEqual(
        blobs.map((blob: { kind: string }) => blob.kind),
        kinds,
      );
      assert.match((await inspect(path)).out, new RegExp(`^kind +manifest of ${subject}, not signed$`, 'm'));
    }
  });

  it('shows the metadata in a spec blob', async (test) => {
    const { folder, mirror, manifest, inspect, facts } = place(test);
    const { sha256 } = (await facts(manifest)).blobs[1];
    const blob = join(mirror, 'blobs/sha256', sha256.slice(0, 2), sha256);
    const { kind, signed, compression, root } = await facts(blob);
    assert.deepEqual([kind, signed, compression, root], ['specfile', false, 'gzip', MANIFEST_HASH]);
    assert.match((await inspect(blob)).out, /^kind +spec blob, gzip, not signed$/m);
    const cut = join(folder, 'cut');
    writeFileSync(cut, readFileSync(blob).subarray(0, 300));
    checkCode(await inspect(cut), 4, 'gzip-truncated');
  });

  it('tells what a newer Spack wrote, and what is broken by its code', async (test) => {
    const { manifest, signed, inspect, facts, edited } = place(test);
    const unknown = edited((text) => text.replace('install.v2', 'install.v9'));
    const { unknownTypes, blobs } = await facts(unknown);
    assert.deepEqual([unknownTypes.length, blobs.length], [1, 1]);
    assert.match((await inspect(unknown)).out, /^unknown content +"application\/.*install\.v9/m);
    for (const [pattern, replacement, exitCode, code] of [
      [/"version": ?3/, '"version":4', 1, 'manifest-version-unsupported'],
      [/"sha256"/, '"md5"', 4, 'checksum-invalid'],
      [/"gzip"/, '"zstd"', 1, 'compression-unsupported'],
      [/"checksum": ?"\w+"/, '"other":1', 1, 'metadata-invalid'],
      [/[\s\S]{5}$/, '', 1, 'metadata-syntax'],
    ] as const) {
      const broken = edited((text) => text.replace(pattern, replacement));
      checkCode(await inspect(broken), exitCode, code);
    }
    for (const text of [signed + signed, signed.slice(0, -80)]) {
      writeFileSync(manifest, text);
      checkCode(await inspect(manifest, ...TRUSTED), 4, 'signature-malformed');
    }
  });
});
