import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseYaml, readYamlFile } from '../../src/config/yaml-file.js';
import { UsageError } from '../../src/core/errors.js';
import { temporaryFolder } from '../store/temporary-folder.js';

function isConfigError(error: unknown): boolean {
  return error instanceof UsageError && error.code === 'config' && error.message.includes('x.yaml');
}

test('parseYaml keeps the order of mappings, also of numbers', () => {
  const value = parseYaml('z: 1\n10: a\n2: [true, null, x]\n', 'x.yaml');
  assert.deepEqual(
    value,
    new Map<unknown, unknown>([
      ['z', 1],
      [10, 'a'],
      [2, [true, null, 'x']],
    ]),
  );
  assert.deepEqual(parseYaml('', 'x.yaml'), new Map());
  assert.deepEqual(parseYaml('# nothing\n', 'x.yaml'), new Map());
});

test('parseYaml ends hostile texts in a coded error', () => {
  const texts = ['[', 'a: *b', 'a: 1\na: 2\n', '['.repeat(20_000)];
  for (const text of texts) assert.throws(() => parseYaml(text, 'x.yaml'), isConfigError, text.slice(0, 20));
});

test('readYamlFile takes a file that is not there for none, and refuses what it cannot read', (context) => {
  const folder = temporaryFolder(context);
  const file = join(folder, 'x.yaml');
  assert.equal(readYamlFile(file), undefined);
  writeFileSync(file, 'a: b\n');
  assert.deepEqual(readYamlFile(file), new Map([['a', 'b']]));
  assert.equal(readYamlFile(join(file, 'below')), undefined);
  assert.throws(
    () => readYamlFile(folder),
    (error: UsageError) => /it is a directory \(EISDIR\)/.test(error.message) && error.data.file === folder,
  );
  writeFileSync(file, ' '.repeat((16 << 20) + 1));
  assert.throws(() => readYamlFile(file), isConfigError);
});

test('parseYaml fills in merge keys: what is there goes first, then the first of those merged', () => {
  const text = `a: &a {x: 1, y: 1}
b: &b {y: 2, z: 2}
c: {<<: *a, y: 3}
d: {<<: [*a, *b], w: 4}
e: {'y:': 5, <<: *a}
f: {<<: text}
`;
  const value = parseYaml(text, 'x.yaml') as ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  const shown = ['c', 'd', 'e', 'f'].map((key) =>
    [...(value.get(key) ?? [])].map(([k, v]) => `${k}=${v}`).join(' '),
  );
  assert.deepEqual(shown, ['y=3 x=1', 'w=4 x=1 y=1 z=2', 'y:=5 x=1', '<<=text']);
});
