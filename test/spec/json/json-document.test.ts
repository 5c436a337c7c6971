import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodeUtf8 } from '../../../src/core/bytes.js';
import { MetadataError } from '../../../src/core/errors.js';
import { parseJsonDocument } from '../../../src/spec/json/json-document.js';

function failure(bytes: Uint8Array): MetadataError {
  try {
    parseJsonDocument(bytes, 'here/x.json');
  } catch (error) {
    assert.ok(error instanceof MetadataError);
    return error;
  }
  throw new Error('it was accepted');
}

test('parseJsonDocument parses UTF-8, with or without a byte order mark', () => {
  assert.deepEqual(parseJsonDocument(encodeUtf8('{"a":["ü"]}'), 'x'), { a: ['ü'] });
  assert.deepEqual(parseJsonDocument(encodeUtf8('\ufeff[1]'), 'x'), [1]);
});

test('parseJsonDocument says what the bytes are instead', () => {
  const cases: [Uint8Array, string, RegExp][] = [
    [gzipSync('{}'), 'metadata-compressed', /gzip/],
    [encodeUtf8(' \n<!DOCTYPE html><html>'), 'metadata-syntax', /HTML page/],
    [encodeUtf8('<html><body>404'), 'metadata-syntax', /HTML page/],
    [encodeUtf8('-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{}'), 'metadata-syntax', /signed text/],
    [encodeUtf8('{"a":'), 'metadata-syntax', /not JSON/],
    [encodeUtf8(''), 'metadata-syntax', /empty/],
    [Uint8Array.of(0x22, 0xff, 0x22), 'metadata-syntax', /UTF-8/],
  ];
  for (const [bytes, code, message] of cases) {
    const error = failure(bytes);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.message, /"here\/x\.json"/);
    assert.equal(error.data.source, 'here/x.json');
  }
});
