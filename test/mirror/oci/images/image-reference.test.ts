import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageReference } from '../../../../src/mirror/oci/images/image-reference.js';

test('parseImageReference splits what people write', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const [text, url, reference] of [
    ['ubuntu', 'oci://ubuntu', 'latest'],
    ['ubuntu:22.04', 'oci://ubuntu', '22.04'],
    ['localhost:5000/a/b', 'oci://localhost:5000/a/b', 'latest'],
    ['localhost:5000/a/b:1', 'oci://localhost:5000/a/b', '1'],
    [`ghcr.io/a/b@${digest}`, 'oci://ghcr.io/a/b', digest],
    [`ghcr.io/a/b:1@${digest}`, 'oci://ghcr.io/a/b', digest],
    ['oci+http://127.0.0.1:1/a:b', 'oci+http://127.0.0.1:1/a', 'b'],
  ] as const)
    assert.deepEqual(parseImageReference(text), { url, reference }, text);
});
