import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { parseRepositoryUrl } from '../../../src/transport/oci/repository-place.js';
import { expectError } from './fake-place.js';

test('a repository is named as Docker and Spack name it', () => {
  const names: [string, string, string][] = [
    ['oci://ghcr.io/Some/Cache', 'https://ghcr.io', 'oci://ghcr.io/some/cache'],
    ['oci://ghcr.io/cache/', 'https://ghcr.io', 'oci://ghcr.io/cache'],
    ['oci+http://127.0.0.1:5000/a/b', 'http://127.0.0.1:5000', 'oci+http://127.0.0.1:5000/a/b'],
    ['oci+https://host:1/a', 'https://host:1', 'oci://host:1/a'],
    ['oci://localhost/a', 'https://localhost', 'oci://localhost/a'],
    ['oci://[::1]:5000/a', 'https://[::1]:5000', 'oci://[::1]:5000/a'],
    ['OCI://GHCR.io/a', 'https://ghcr.io', 'oci://ghcr.io/a'],
    ['oci://ubuntu', 'https://registry-1.docker.io', 'oci://index.docker.io/library/ubuntu'],
    ['oci://user/cache', 'https://registry-1.docker.io', 'oci://index.docker.io/user/cache'],
    ['oci://docker.io/cache', 'https://registry-1.docker.io', 'oci://index.docker.io/library/cache'],
    ['oci://index.docker.io/a/b', 'https://registry-1.docker.io', 'oci://index.docker.io/a/b'],
  ];
  for (const [reference, origin, url] of names) {
    const place = parseRepositoryUrl(reference);
    assert.deepEqual([place.origin, place.url], [origin, url], reference);
  }
});

test('a login in the URL is taken out of it', () => {
  const place = parseRepositoryUrl('oci://user:p%40ss@ghcr.io/a');
  assert.deepEqual(place.login, { user: 'user', password: 'p@ss' });
  assert.equal(place.url, 'oci://ghcr.io/a');
});

test('a password may have an "@" in it', () => {
  const { login, url } = parseRepositoryUrl('oci://user:p@ss@ghcr.io/a');
  assert.deepEqual(login, { user: 'user', password: 'p@ss' });
  assert.equal(url, 'oci://ghcr.io/a');
});

test('what is no repository is refused without a word of its login', () => {
  const wrong: [string, RegExp][] = [
    ['oci://', /no registry/],
    ['oci:///some/cache', /no registry/],
    ['oci:x', /no registry/],
    ['oci://user:MARKED@ghcr.io', /names no repository/],
    ['oci://user:MARKED@ghcr.io/a:tag', /ends in ":tag"/],
    ['oci://user:a/MARKED@ghcr.io/a', /"@"/],
    ['oci://user:12/MARKED@ghcr.io/a', /"@"/],
    ['oci://user:12/MARKED@ghcr.io', /"@"/],
    ['oci://user:12/MARKED@ghcr.io:5000/a', /"@"/],
    ['oci://user:MAR/KED@ghcr.io:5000', /./],
    ['oci://user:MARKED@ghcr.io/a@sha256:ab', /ends in "@sha256:ab"/],
    ['oci://ghcr.io/a//b', /cannot be the name/],
    ['oci://ghcr.io/../b', /cannot be the name/],
    ['oci://ghcr.io/a?x=y', /cannot be the name/],
    [`oci://ghcr.io/${'a'.repeat(256)}`, /cannot be the name/],
    ['oci://a b.c/d', /no host/],
  ];
  for (const [reference, message] of wrong)
    assert.throws(
      () => parseRepositoryUrl(reference),
      (error) => {
        assert.ok(expectError('mirror-protocol', message)(error), `${reference}: ${error}`);
        assert.doesNotMatch(inspect(error), /MARKED/);
        return true;
      },
    );
});
