import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findPathStrings } from '../../../src/relocation/strings/path-strings.js';

async function find(text: string, prefixes: readonly string[] = [], pieceSize = text.length, limit = 100) {
  const bytes = Buffer.from(text, 'latin1');
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += pieceSize) yield bytes.subarray(at, at + pieceSize);
  }
  return findPathStrings({ chunks: chunks(), prefixes, limit });
}

const pathsOf = async (text: string, prefixes?: readonly string[]) =>
  (await find(text, prefixes)).shown.map(({ path }) => path);

describe('findPathStrings', () => {
  it('finds absolute paths in C strings and in text', async () => {
    assert.deepEqual(await pathsOf('\0/usr/lib/libz.so\0x\0/tmp\0'), ['/usr/lib/libz.so', '/tmp']);
    assert.deepEqual(await pathsOf('a=/usr/lib:/opt/lib -L/opt/x/lib "/etc/conf"\n'), [
      '/usr/lib',
      '/opt/lib',
      '/opt/x/lib',
      '/etc/conf',
    ]);
  });

  it('takes no relative path, and no lone slash', async () => {
    assert.deepEqual(await pathsOf('lib/usr/x ./a/b ../a/b a / b /x $ORIGIN/../lib/x //\n'), []);
  });

  it('takes a known prefix wherever it begins, as relocation does, and tells the longest', async () => {
    const { shown } = await find('x/old/store/zlib-1/lib more\0b/old/store/y', [
      '/old/store',
      '/old/store/zlib-1',
    ]);
    assert.deepEqual(shown, [
      { offset: 1, path: '/old/store/zlib-1/lib', prefix: '/old/store/zlib-1' },
      { offset: 29, path: '/old/store/y', prefix: '/old/store' },
    ]);
  });

  it('counts all, and keeps as many as are wanted', async () => {
    const { found, shown } = await find('/usr/lib\n'.repeat(50), [], 64, 3);
    assert.deepEqual([found, shown.length], [50, 3]);
  });

  it('gives the same at every split', async () => {
    const text = `${'\0'.repeat(5)}/usr/lib/a\0-I/opt/y/z b/old/store/q ${'z'.repeat(70)}\n/old/store\0/etc\0/dev/null`;
    const whole = await find(text, ['/old/store']);
    assert.equal(whole.found, 6);
    for (let size = 1; size < text.length; size++)
      assert.deepEqual(await find(text, ['/old/store'], size), whole, String(size));
  });

  it('keeps little of strings that do not end', async () => {
    const { found } = await find(`/usr/lib/${'x'.repeat(300_000)}\0/usr/bin/y`, [], 10_000);
    assert.ok(found >= 2);
  });
});
