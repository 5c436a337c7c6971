// The native decoder against the same streams as the decoder in TypeScript.
import { describe, it } from 'node:test';
import { describeInflater } from '../helpers/inflater-suite.js';
import { NATIVE, NATIVE_MISSING } from '../helpers/native-engine.js';

if (NATIVE === undefined) {
  describe('NativeInflater', () => {
    it('decodes or refuses every stream', { skip: NATIVE_MISSING });
  });
} else {
  const engine = NATIVE;
  describeInflater('NativeInflater', () => engine.createInflater(), 1500);
}
