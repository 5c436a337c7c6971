import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  processCredentials,
  splitCommand,
} from '../../../../src/transport/s3/credentials/process-credentials.js';
import { FAKE_KEYS } from '../../../helpers/fake-s3.js';
import { temporaryFolder } from '../../../store/temporary-folder.js';
import { changed, expectError, fakePlace } from '../fake-place.js';

const { id, secret } = FAKE_KEYS;
const RIGHT = { Version: 1, AccessKeyId: id, SecretAccessKey: secret, SessionToken: 'TOKEN' };

/** Runs a line of the shell as a program of its own. */
function written(script: string, longestRun?: number) {
  const command = `sh -c '${script}' credentials-OF-FAKE`;
  const environment = { PATH: process.env.PATH, MINE: JSON.stringify(RIGHT) };
  return processCredentials({ command, profile: 'x', environment, longestRun });
}

describe('processCredentials', () => {
  test('takes what a program writes, and when that ends', async () => {
    const keys = { accessKeyId: id, secretAccessKey: secret, sessionToken: 'TOKEN' };
    assert.deepEqual(await written('echo "$MINE"'), { ...keys, expires: undefined });
    const ends = { ...RIGHT, Expiration: '2999-01-01T00:00:00Z' };
    assert.deepEqual(await written(`echo "${JSON.stringify(ends).replaceAll('"', '\\"')}"`), {
      ...keys,
      expires: Date.parse(ends.Expiration),
    });
  });

  const cases: readonly (readonly [string, RegExp])[] = [
    ['echo OF-FAKE >&2; echo OF-FAKE; exit 3', /the profile "x": it exited with 3$/],
    ['kill -9 $$', /it was killed$/],
    ['yes OF-FAKE', /it wrote more than 65536 bytes$/],
    ['echo OF-FAKE', /it wrote no credentials of version 1$/],
    ['echo null', /it wrote no credentials/],
    [
      'echo "{\\"Version\\":2,\\"AccessKeyId\\":\\"a\\",\\"SecretAccessKey\\":\\"b\\"}"',
      /no credentials of version 1/,
    ],
    ['echo "{\\"Version\\":1,\\"AccessKeyId\\":\\"a\\"}"', /no credentials of version 1/],
  ];
  for (const [script, message] of cases)
    test(`refuses: ${script}`, async () => {
      await assert.rejects(written(script), (error) => {
        assert.ok(expectError('config', message)(error), String(error));
        assert.doesNotMatch(inspect(error, { depth: 9 }), /OF-FAKE/);
        return true;
      });
    });

  test('waits no longer than it may, even where a program of the program goes on', async () => {
    const begin = performance.now();
    await assert.rejects(
      written('sleep 60 & sleep 60', 200),
      expectError('config', /it did not end within 0.2 s$/),
    );
    assert.ok(performance.now() - begin < 20_000);
  });

  test('tells of programs that are not there, and of quotes that are not closed', async () => {
    const run = (command: string) =>
      processCredentials({ command, profile: 'x', environment: { PATH: '/nowhere' } });
    await assert.rejects(run('/nowhere/at-all OF-FAKE'), expectError('config', /: it does not exist/));
    for (const command of ['echo "x', "echo 'x", 'echo \\', ' '])
      await assert.rejects(run(command), expectError('config', /cannot be taken apart/));
  });

  test('is what a profile names, where it has no keys', async (t) => {
    const { fake, open } = await fakePlace(t, { sessionToken: 'TOKEN' });
    fake.put('pre/fix/x', 'hello');
    const folder = temporaryFolder(t);
    const program = join(folder, 'give out');
    writeFileSync(program, `#!/bin/sh\necho '${JSON.stringify(RIGHT)}'\n`);
    chmodSync(program, 0o755);
    const config = join(folder, 'config');
    writeFileSync(config, `[profile x]\ncredential_process = "${program}" --for me\n`);
    const environment = changed(fake.environment, {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_CONFIG_FILE: config,
      PATH: process.env.PATH,
    });
    assert.equal((await open({ environment, connection: { profile: 'x' } }).stat('x'))?.size, 5);
  });
});

test('splitCommand splits as a shell does', () => {
  const cases = {
    'a  b\tc ': ['a', 'b', 'c'],
    '"a b" \'c "d\' e\\ f': ['a b', 'c "d', 'e f'],
    '"a \\"b\\" \\\\ \\n" x""y \'\'': ['a "b" \\ \\n', 'xy', ''],
    '': [],
  };
  for (const [command, words] of Object.entries(cases)) assert.deepEqual(splitCommand(command), words);
});
