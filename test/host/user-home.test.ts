import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { userHome } from '../../src/host/user-home.js';
import { temporaryFolder } from '../store/temporary-folder.js';

test('userHome finds the home of a user in the list of the system', (context) => {
  const file = join(temporaryFolder(context), 'passwd');
  writeFileSync(
    file,
    'root:x:0:0:root:/root:/bin/sh\n+::::::\nnobody:x:9:9:::\nme:x:1:1:Me, Myself:/home/me:/bin/sh\n',
  );
  assert.equal(userHome('me', file), '/home/me');
  for (const user of ['', 'nobody', 'm', 'you', 'x']) assert.equal(userHome(user, file), undefined, user);
  assert.equal(userHome('me', `${file}-not-there`), undefined);
});
