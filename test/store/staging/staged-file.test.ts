import assert from 'node:assert/strict';
import {
  chmodSync,
  linkSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import {
  replaceBeginning,
  StagedFileWriter,
  setOwnership,
  stagedFileStream,
  withStagedFile,
} from '../../../src/store/staging/staged-file.js';
import { cut } from '../../helpers/stream-source.js';
import { temporaryFolder } from '../temporary-folder.js';

const TEXT = 'The quick brown fox';

function sample(test: Parameters<typeof temporaryFolder>[0], content: string | Uint8Array = TEXT): string {
  const path = join(temporaryFolder(test), 'f');
  writeFileSync(path, content);
  return path;
}

describe('StagedFile', () => {
  it('reads at any offset, less only at the end', (test) => {
    withStagedFile(sample(test), (file) => {
      const read = (offset: number, length: number) => Buffer.from(file.read(offset, length)).toString();
      assert.equal(file.size, TEXT.length);
      assert.equal(read(4, 5), 'quick');
      assert.equal(read(16, 100), 'fox');
      assert.equal(read(19, 5), '');
      assert.equal(read(1000, 5), '');
      assert.equal(read(0, 0), '');
    });
  });

  it('reads more than its buffer holds at first', (test) => {
    const content = Buffer.alloc(10_000, 'abc');
    withStagedFile(sample(test, content), (file) => {
      assert.deepEqual(Buffer.from(file.read(1, 9000)), content.subarray(1, 9001));
      const target = new Uint8Array(20_000);
      assert.equal(file.readInto(target, 5000), 5000);
      assert.deepEqual(Buffer.from(target.subarray(0, 5000)), content.subarray(5000));
    });
  });

  it('writes in place, and can be cut', (test) => {
    const path = sample(test);
    withStagedFile(path, (file) => {
      file.write(4, Buffer.from('slow!'));
      file.truncate(9);
    });
    assert.equal(readFileSync(path, 'utf8'), 'The slow!');
  });

  it('does not follow a symlink', (test) => {
    const path = sample(test);
    symlinkSync(path, `${path}-link`);
    assert.throws(() => withStagedFile(`${path}-link`, () => {}), { code: 'ELOOP' });
  });

  it('is closed whatever happens', (test) => {
    const path = sample(test);
    let leaked: { read(offset: number, length: number): Uint8Array } | undefined;
    assert.throws(
      () =>
        withStagedFile(path, (file) => {
          leaked = file;
          throw new Error('stop');
        }),
      /stop/,
    );
    assert.throws(() => leaked?.read(0, 1), { code: 'EBADF' });
  });
});

describe('replaceBeginning', () => {
  it('puts a header in place of the first bytes, keeps the mode, and leaves other names alone', (test) => {
    const path = sample(test, `#!/x\n${'y'.repeat(3_000_000)}`);
    chmodSync(path, 0o751);
    linkSync(path, `${path}-twin`);
    replaceBeginning({ path: Buffer.from(path), header: Buffer.from('#!/bin/sh /sbang\n'), skip: 5 });
    assert.ok(readFileSync(path, 'utf8') === `#!/bin/sh /sbang\n${'y'.repeat(3_000_000)}`);
    assert.equal(statSync(path).mode & 0o7777, 0o751);
    assert.ok(readFileSync(`${path}-twin`, 'utf8') === `#!/x\n${'y'.repeat(3_000_000)}`);
    assert.deepEqual(readdirSync(dirname(path)).sort(), ['f', 'f-twin']);
  });

  it('does not write over what is there', (test) => {
    const path = sample(test);
    writeFileSync(`${path}.regraft-sbang`, 'mine');
    assert.throws(() => replaceBeginning({ path: Buffer.from(path), header: new Uint8Array(1), skip: 0 }), {
      code: 'EEXIST',
    });
    assert.deepEqual(
      [readFileSync(path, 'utf8'), readFileSync(`${path}.regraft-sbang`, 'utf8')],
      [TEXT, 'mine'],
    );
  });
});

describe('setOwnership', () => {
  it('sets the exact mode, also behind a change of the group', (test) => {
    const path = Buffer.from(sample(test));
    setOwnership(path, { mode: 0o6755, groupId: statSync(path).gid });
    assert.equal(statSync(path).mode & 0o7777, 0o6755);
    setOwnership(path, { mode: undefined, groupId: undefined });
    assert.equal(statSync(path).mode & 0o7777, 0o6755);
  });
});

describe('StagedFileWriter and stagedFileStream', () => {
  it('move a file of several chunks', async (test) => {
    const path = sample(test, 'what was there before');
    const content = Buffer.alloc(2_500_000, '0123456789');
    const writer = new StagedFileWriter(path);
    for (const chunk of cut(content, 999_999)) writer.write(chunk);
    writer.close();
    const parts: Uint8Array[] = [];
    for await (const part of stagedFileStream(path)) parts.push(part);
    assert.ok(parts.length > 1);
    assert.ok(Buffer.concat(parts).equals(content));
  });
});
