import assert from 'node:assert/strict';
import type { ReadableStream } from 'node:stream/web';
import { describe, it } from 'node:test';
import { ArchiveError } from '../../src/core/errors.js';
import type { ArchiveEntry } from '../../src/tar/archive-entry.js';
import { forEachEntry } from '../../src/tar/archive-entry.js';
import { untar } from '../../src/tar/untar.js';
import { ChunkSource, cut, settle } from '../helpers/stream-source.js';
import { BLOCK, tarArchive, tarHeader, tarMember } from '../helpers/tar-builder.js';

const ARCHIVE = tarArchive(
  { name: 'd', type: '5' },
  { name: 'd/large', body: 'x'.repeat(5000) },
  { name: 'd/small', body: 'y' },
  { name: 'd/link', type: '2', linkname: 'small' },
);

interface Opened {
  readonly source: ChunkSource;
  readonly entries: ReadableStream<ArchiveEntry>;
}

function open(archive: Uint8Array, chunkSize: number, signal?: AbortSignal): Opened {
  const source = new ChunkSource(cut(archive, chunkSize));
  return { source, entries: source.stream.pipeThrough(untar(), signal === undefined ? {} : { signal }) };
}

async function textOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part.slice());
  return Buffer.concat(parts).toString('latin1');
}

/** The next entry, which must be there. */
async function nextEntry(reader: ReadableStreamDefaultReader<ArchiveEntry>): Promise<ArchiveEntry> {
  const { value } = await reader.read();
  assert.ok(value);
  return value;
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  promise.then(mark, mark);
  await settle();
  return settled;
}

describe('UntarStream', () => {
  for (const size of [7, 511, 512, 513, 100_000]) {
    it(`gives entries and bodies from pieces of ${size}`, async () => {
      const found: [string, string][] = [];
      await forEachEntry(open(ARCHIVE, size).entries, async ({ entry, body }) => {
        found.push([entry.path, await textOf(body)]);
      });
      assert.deepEqual(found, [
        ['d', ''],
        ['d/large', 'x'.repeat(5000)],
        ['d/small', 'y'],
        ['d/link', ''],
      ]);
    });
  }

  it('waits while a body is unread', async () => {
    const { entries, source } = open(ARCHIVE, BLOCK);
    const reader = entries.getReader();
    const { body: folder } = await nextEntry(reader);
    await folder.cancel();
    const { body } = await nextEntry(reader);
    await settle();
    const pulled = source.pulled;
    const next = reader.read();
    assert.ok(!(await isSettled(next)), 'the next entry does not come');
    assert.equal(source.pulled, pulled, 'and nothing is read for it');
    assert.equal(await textOf(body), 'x'.repeat(5000), 'the body is all there');
    assert.equal((await next).value?.entry.path, 'd/small');
  });

  for (const [size, whole] of [
    [100_000, ['d', 'd/large', 'd/small', 'd/link']],
    [BLOCK, ['d', 'd/link']],
  ] as const) {
    it(`hands out bodies as bytes where they are at hand: pieces of ${size}`, async () => {
      const reader = open(ARCHIVE, size).entries.getReader();
      const entries: ArchiveEntry[] = [];
      for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read()) {
        entries.push(value);
        if (value.bytes === undefined) await value.body.cancel();
      }
      const atHand = entries.filter(({ bytes }) => bytes !== undefined);
      assert.deepEqual(
        atHand.map(({ entry }) => entry.path),
        whole,
      );
      for (const { bytes = new Uint8Array(), body } of atHand)
        assert.equal(
          await textOf(body),
          Buffer.from(bytes).toString(),
          'its stream is there too, also later',
        );
    });
  }

  it('does not pull its source ahead', async () => {
    const { entries, source } = open(ARCHIVE, BLOCK);
    const reader = entries.getReader();
    await settle();
    assert.ok(source.pulled <= 2, `nobody has asked, and ${source.pulled} chunks are read`);
    const { body: folder } = await nextEntry(reader);
    await folder.cancel();
    const { body } = await nextEntry(reader);
    const bytes = body.getReader();
    for (let part = 1; part <= 9; part++) {
      await bytes.read();
      await settle();
      assert.ok(
        source.pulled <= 2 + part + 2,
        `${source.pulled} chunks are read for ${part} parts of the body`,
      );
    }
  });

  it('skips what is left of a body that is cancelled', async () => {
    const { entries } = open(ARCHIVE, 100);
    const reader = entries.getReader();
    await (await nextEntry(reader)).body.cancel();
    const { body } = await nextEntry(reader);
    const bytes = body.getReader();
    await bytes.read();
    await bytes.cancel();
    const { entry, body: small } = await nextEntry(reader);
    assert.equal(entry.path, 'd/small');
    assert.equal(await textOf(small), 'y');
  });

  it('takes a cancellation while a read of the body is under way', async () => {
    const channel = new TransformStream<Uint8Array, Uint8Array>();
    const writer = channel.writable.getWriter();
    const reader = channel.readable.pipeThrough(untar()).getReader();
    const member = tarMember({ name: 'f', body: 'x'.repeat(2000) });
    void writer.write(member.subarray(0, BLOCK));
    const { body } = await nextEntry(reader as ReadableStreamDefaultReader<ArchiveEntry>);
    const bytes = body.getReader();
    const pending = bytes.read();
    await settle();
    const cancelled = bytes.cancel();
    // The first piece holds the rest of the body and the next header: whoever reads twice at once loses some of it.
    const rest = Buffer.concat([member.subarray(BLOCK), tarArchive({ name: 'g', body: 'z' })]);
    for (const chunk of cut(rest, 2800)) void writer.write(chunk).catch(() => {});
    void writer.close().catch(() => {});
    assert.deepEqual(await pending, { done: true, value: undefined });
    await cancelled;
    const next = await nextEntry(reader as ReadableStreamDefaultReader<ArchiveEntry>);
    assert.equal(next.entry.path, 'g');
    assert.equal(await textOf(next.body), 'z');
    assert.ok((await reader.read()).done);
  });

  it('cancels its source when the entries are cancelled', async () => {
    const { entries, source } = open(ARCHIVE, BLOCK);
    const reader = entries.getReader();
    await nextEntry(reader);
    await reader.cancel('enough');
    await settle();
    assert.equal(source.cancelReason, 'enough');
  });

  it('gives the reason of an abort to who reads', async () => {
    const controller = new AbortController();
    const { entries, source } = open(ARCHIVE, BLOCK, controller.signal);
    const reader = entries.getReader();
    await (await nextEntry(reader)).body.cancel();
    const { body } = await nextEntry(reader);
    const reason = new Error('stop');
    controller.abort(reason);
    const { pulled } = source;
    await assert.rejects(textOf(body), (error) => error === reason);
    await assert.rejects(reader.read(), (error) => error === reason);
    assert.ok(source.pulled <= pulled + 1, 'what was on its way arrives, nothing more');
    assert.equal(source.cancelReason, reason);
  });

  it('hands an error of its source on', async () => {
    const failure = new Error('the connection broke');
    const source = new globalThis.ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(ARCHIVE.subarray(0, 1100)),
      pull: (controller) => controller.error(failure),
    });
    const reader = (source.pipeThrough(untar()) as ReadableStream<ArchiveEntry>).getReader();
    await assert.rejects(
      (async () => {
        for (;;) await textOf((await nextEntry(reader)).body);
      })(),
      (error) => error === failure,
    );
  });

  it('tells a broken header to who waits for the entry, and lets its source go', async () => {
    const archive = Buffer.concat([
      tarMember({ name: 'a' }),
      tarHeader({ checksum: { text: '1' } }),
      Buffer.alloc(BLOCK * 20),
    ]);
    const { entries, source } = open(archive, BLOCK);
    const reader = entries.getReader();
    await (await nextEntry(reader)).body.cancel();
    await assert.rejects(reader.read(), { code: 'tar-header' });
    await settle();
    assert.ok(source.cancelReason instanceof ArchiveError, 'the source is cancelled with the error');
  });

  it('tells a body that breaks off to its reader and to who waits for the next entry', async () => {
    const { entries } = open(ARCHIVE.subarray(0, 3000), BLOCK);
    const reader = entries.getReader();
    await (await nextEntry(reader)).body.cancel();
    const { body } = await nextEntry(reader);
    const next = reader.read();
    await assert.rejects(textOf(body), { code: 'tar-truncated' });
    await assert.rejects(next, { code: 'tar-truncated' });
  });

  it('tells a body that breaks off while it is skipped', async () => {
    const { entries } = open(ARCHIVE.subarray(0, 3000), BLOCK);
    const reader = entries.getReader();
    await (await nextEntry(reader)).body.cancel();
    const { body } = await nextEntry(reader);
    const next = reader.read();
    await assert.rejects(body.cancel(), { code: 'tar-truncated' });
    await assert.rejects(next, { code: 'tar-truncated' });
  });

  it('reads its source to the end, whatever follows the archive', async () => {
    const archive = Buffer.concat([ARCHIVE, Buffer.alloc(20 * BLOCK, 'garbage')]);
    const { entries, source } = open(archive, BLOCK);
    const found: string[] = [];
    await forEachEntry(entries, ({ entry }) => void found.push(entry.path));
    assert.deepEqual(found, ['d', 'd/large', 'd/small', 'd/link']);
    assert.equal(source.pulled, archive.length / BLOCK);
  });

  it('refuses an empty source', async () => {
    const { entries } = open(new Uint8Array(0), BLOCK);
    await assert.rejects(
      forEachEntry(entries, () => {}),
      { code: 'tar-truncated' },
    );
  });
});

describe('forEachEntry', () => {
  it('skips what was not read, wholly or in part', async () => {
    const found: string[] = [];
    await forEachEntry(open(ARCHIVE, 100).entries, async ({ entry, body }) => {
      found.push(entry.path);
      if (entry.path !== 'd/large') return;
      const reader = body.getReader();
      await reader.read();
      reader.releaseLock();
    });
    assert.deepEqual(found, ['d', 'd/large', 'd/small', 'd/link']);
  });

  it('ends with the error of the visit, and cancels the source', async () => {
    const { entries, source } = open(ARCHIVE, BLOCK);
    const failure = new Error('visited');
    const visited: string[] = [];
    await assert.rejects(
      forEachEntry(entries, ({ entry }) => {
        visited.push(entry.path);
        if (entry.path === 'd/large') throw failure;
      }),
      (error) => error === failure,
    );
    await settle();
    assert.deepEqual(visited, ['d', 'd/large']);
    assert.ok(source.pulled < ARCHIVE.length / BLOCK, 'the rest is not read');
  });
});
