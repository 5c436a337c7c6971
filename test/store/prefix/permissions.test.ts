import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Audience } from '../../../src/config/package-permissions.js';
import { UsageError } from '../../../src/core/errors.js';
import { groupId } from '../../../src/store/prefix/group.js';
import { directoryMode, fileMode, permissionPolicy } from '../../../src/store/prefix/permissions.js';
import { temporaryFolder } from '../temporary-folder.js';
import { readVectors } from '../vectors.js';

interface Vector {
  readonly read: Audience;
  readonly write: Audience;
  readonly allow_sgid: boolean;
  readonly error?: string;
  readonly directory?: number | string;
  readonly files?: readonly (readonly [number, number | string])[];
}

test('modes agree with Spack for every setting', () => {
  const vectors = readVectors<readonly Vector[]>('permissions.json');
  assert.equal(vectors.length, 18);
  for (const { read, write, allow_sgid, error, directory, files = [] } of vectors) {
    const make = () =>
      permissionPolicy({
        packageName: 'x',
        permissions: { all: { read, write } },
        allowSetGroupId: allow_sgid,
      });
    if (error !== undefined || typeof directory === 'string') {
      assert.throws(make, isConfigError);
      continue;
    }
    const policy = make();
    assert.equal(directoryMode(policy), directory);
    for (const [current, mode] of files) {
      if (typeof mode === 'string') assert.throws(() => fileMode(policy, current), isConfigError);
      else assert.equal(fileMode(policy, current), mode, `${read} ${write} ${current.toString(8)}`);
    }
  }
});

test('permissionPolicy without settings gives the modes of the goldens', () => {
  const policy = permissionPolicy({ packageName: 'x', permissions: {} });
  assert.equal(directoryMode(policy), 0o2755);
  assert.equal(fileMode(policy, 0o4711), 0o4755);
  assert.equal(fileMode(policy, 0o600), 0o644);
  assert.equal(policy.group, undefined);
});

test('permissionPolicy prefers what is set for the package, key by key', () => {
  const permissions = {
    all: { read: 'group', group: 'users' },
    zlib: { write: 'group', group: '' },
  } as const;
  const own = permissionPolicy({ packageName: 'zlib', permissions });
  assert.equal(fileMode(own, 0o755), 0o770);
  assert.equal(own.group, 'users');
  assert.equal(fileMode(permissionPolicy({ packageName: 'constructor', permissions }), 0o755), 0o750);
});

test('groupId reads names and numbers', (context) => {
  const file = join(temporaryFolder(context), 'group');
  writeFileSync(file, 'root:x:0:\nusers:x:100:a,b\nbroken\nodd:x:nope:\n');
  assert.equal(groupId('users', file), 100);
  assert.equal(groupId('4711', file), 4711);
  for (const name of ['odd', 'broken', 'nobody', '']) assert.throws(() => groupId(name, file), isConfigError);
  assert.throws(() => groupId('users', `${file}-missing`), isConfigError);
});

function isConfigError(error: unknown): boolean {
  return error instanceof UsageError && error.code === 'config' && error.message.length > 0;
}
