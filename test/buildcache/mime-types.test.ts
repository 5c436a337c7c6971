// What `file --mime-type` said of every file of the golden store decides how Spack classifies it: ours must say the same.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FileClassifier } from '../../src/buildcache/buildinfo/classify-file.js';
import { encodeUtf8, toLatin1 } from '../../src/core/bytes.js';
import { tarballsOf } from '../helpers/golden-store.js';
import { readMembers } from '../helpers/unpack-tar.js';

const fixtures = process.env.REGRAFT_FIXTURES ?? '';
const recorded = join(fixtures, 'stores/a/mime-types.jsonl');
const BINARY = /^application\/x-(executable|sharedlib|pie-executable|mach-binary)$/;

test('FileClassifier says what `file` says of every file of the golden store', {
  skip: !existsSync(recorded) && 'only the complete fixtures have the types (REGRAFT_FIXTURES)',
}, () => {
  const contents = new Map<string, Uint8Array>();
  const cache = join(fixtures, 'caches/unpadded-unsigned');
  for (const tarball of tarballsOf(cache)) {
    for (const { entry, body } of readMembers(gunzipSync(readFileSync(join(cache, tarball)))))
      contents.set(
        entry.path,
        entry.type === 'hardlink' ? (contents.get(entry.linkPath ?? '') ?? body) : body,
      );
  }
  const lines = readFileSync(recorded, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  let compared = 0;
  for (const { path, mime } of lines.map(
    (line) => JSON.parse(line) as { path: string | null; mime: string },
  )) {
    const bytes = [...contents].find(
      ([name]) => path !== null && name.endsWith(`/${toLatin1(encodeUtf8(path))}`),
    )?.[1];
    if (bytes === undefined) continue;
    const classifier = new FileClassifier(path ?? '');
    classifier.push(bytes);
    const expected = BINARY.test(mime) ? 'binary' : mime.startsWith('text/') ? 'text' : 'other';
    assert.equal(classifier.finish(), expected, `${path}: ${mime}`);
    compared++;
  }
  assert.ok(compared > 95, `${compared} files were compared`);
});
