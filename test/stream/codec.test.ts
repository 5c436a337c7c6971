// The list of codecs: detection, decoding and the list agree by construction, so this asks each row.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DETECTION_SIZE, detectCompression, findCodec } from '../../src/stream/codec.js';
import { JsInflater } from '../../src/stream/inflate/js-inflater.js';

const BZIP2_OF_NOTHING = Buffer.from('QlpoORdyRThQkAAAAAA=', 'base64');

const SAMPLES: readonly (readonly [name: string, compressed: Uint8Array, content: string])[] = [
  ['gzip', gzipSync('hello'), 'hello'],
  ['bzip2', BZIP2_OF_NOTHING, ''],
  ['none', Buffer.from('BZh9 is a name'), 'BZh9 is a name'],
];

for (const [name, compressed, content] of SAMPLES) {
  test(`findCodec: ${name}`, () => {
    const codec = findCodec(compressed.subarray(0, DETECTION_SIZE));
    assert.equal(codec.name, name);
    assert.ok(codec.detectionSize <= DETECTION_SIZE);
    let text = '';
    const onOutput = (bytes: Uint8Array): void => {
      text += Buffer.from(bytes).toString();
    };
    const decoder = codec.makeDecoder({ inflater: new JsInflater(), onOutput });
    decoder.push(compressed);
    decoder.finish();
    assert.equal(text, content);
    assert.equal(decoder.segmentCount, name === 'gzip' ? 1 : 0);
    assert.equal(detectCompression(compressed.subarray(0, DETECTION_SIZE)), name);
  });
}
