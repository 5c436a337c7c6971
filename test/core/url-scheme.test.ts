import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemeOf } from '../../src/core/url-scheme.js';

test('schemeOf takes one letter for a drive', () => {
  assert.equal(schemeOf('C://x'), undefined);
  assert.equal(schemeOf('OCI+HTTP://x'), 'oci+http');
  assert.equal(schemeOf('file:/x'), 'file');
});
