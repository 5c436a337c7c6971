import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { configuredMirrors } from '../../src/config/configured-mirrors.js';
import { temporaryFolder } from '../store/temporary-folder.js';

test('configuredMirrors reads our own file first, then those of Spack; the first of a name counts', async (context) => {
  const folder = temporaryFolder(context);
  const files = {
    'config/regraft/mirrors.yaml': 'mirrors: {b: https://ours}',
    'home/.spack/mirrors.yaml': 'mirrors: {a: https://users, b: https://hidden}',
    'spack/etc/spack/mirrors.yaml': 'mirrors: {c: $spack/cache, a: https://hidden}',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const environment = { HOME: join(folder, 'home'), XDG_CONFIG_HOME: join(folder, 'config') };
  const namesOf = async (more: object): Promise<unknown> =>
    (await configuredMirrors({ ...environment, ...more })).map(({ name, fetchUrl }) => [name, fetchUrl]);
  assert.deepEqual(await namesOf({}), [['b', 'https://ours']]);
  assert.deepEqual(await namesOf({ SPACK_ROOT: join(folder, 'spack') }), [
    ['b', 'https://ours'],
    ['a', 'https://users'],
    ['c', `file://${folder}/spack/cache`],
  ]);
  assert.deepEqual(await configuredMirrors({ HOME: folder }), []);
});
