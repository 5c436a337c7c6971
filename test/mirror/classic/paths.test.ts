import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { keyPath, packageName, specfilePath, tarballPath } from '../../../src/mirror/classic/paths.js';
import {
  FIXTURES,
  FIXTURES_V2V3,
  listFiles,
  needsFixtures,
  node4,
  node5,
  readSpecs,
  spec4,
  spec5,
} from '../../spec/spec-samples.js';

test('names hold only safe characters, and none where the package has no compiler', () => {
  const plain = spec4(node4('x', 'a', [], { version: 'git.main=1.0' }));
  const name = `linux-debian12-x86_64-gcc-12.2.0-x-git.main_1.0-${'a'.repeat(32)}`;
  assert.equal(packageName(plain.root), name);
  assert.equal(specfilePath(plain.root, { signed: true }), `build_cache/${name}.spec.json.sig`);
  assert.equal(specfilePath(plain.root, { signed: false }), `build_cache/${name}.spec.json`);
  assert.equal(
    tarballPath(plain.root),
    `build_cache/linux-debian12-x86_64/gcc-12.2.0/x-git.main_1.0/${name}.spack`,
  );
  assert.equal(keyPath('ABCD'), 'build_cache/_pgp/ABCD.pub');
  const bare = spec5(node5('x', 'a'));
  assert.match(
    tarballPath(bare.root, bare),
    /^build_cache\/linux-debian12-x86_64\/none-none\/x-1\.0\/linux-debian12-x86_64-none-none-x/,
  );
});

test('names are found in the caches of the fixtures', needsFixtures, () => {
  let count = 0;
  const packs: [string, string, RegExp][] = [
    [`${FIXTURES}/caches`, `${FIXTURES}/specs`, /^(?:un)?padded|^layout0/],
    [`${FIXTURES_V2V3}/caches`, `${FIXTURES_V2V3}/specs`, /^layout2/],
  ];
  for (const [caches, specs, fitting] of packs) {
    const files = listFiles(caches).map((file) => path.relative(caches, file));
    for (const spec of readSpecs(specs).values()) {
      for (const cache of new Set(files.map((file) => file.split('/')[0] ?? ''))) {
        const tarball = `${cache}/${tarballPath(spec.root, spec)}`;
        if (
          !fitting.test(cache) ||
          !files.some((file) => file.startsWith(cache) && file.endsWith(`${spec.root.hash}.spack`))
        )
          continue;
        count++;
        assert.ok(files.includes(tarball), tarball);
        const signed = !/unsigned|^layout0/.test(cache);
        assert.ok(files.includes(`${cache}/${specfilePath(spec.root, { signed, spec })}`), cache);
      }
    }
  }
  assert.ok(count > 60, `${count} packages`);
});
