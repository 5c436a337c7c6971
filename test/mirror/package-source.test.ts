import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetadataError, MirrorError } from '../../src/core/errors.js';
import type { Mirror, MirrorObject } from '../../src/mirror/mirror.js';
import { metadataCandidates } from '../../src/mirror/package-source.js';

const paths = { signed: 'x.sig', unsigned: 'x' };

/** A mirror that holds texts, or fails; `asked` lists the paths in order over all mirrors. */
function fake(name: string, files: Readonly<Record<string, string | Error>>, asked: string[]): Mirror {
  return {
    name,
    url: name,
    signed: true,
    location: (path) => `${name}/${path}`,
    has: async (path) => path in files,
    async get(path): Promise<MirrorObject> {
      asked.push(`${name}/${path}`);
      const file = files[path] ?? new MirrorError('mirror-not-found', `no ${name}/${path}`);
      if (file instanceof Error) throw file;
      const body = new Blob([file]).stream() as ReadableStream<Uint8Array>;
      return { body, size: undefined, etag: undefined, location: `${name}/${path}` };
    },
  };
}

async function all(request: Parameters<typeof metadataCandidates>[0]): Promise<string[]> {
  const found: string[] = [];
  for await (const candidate of metadataCandidates(request)) {
    found.push(
      'failure' in candidate ? `${candidate.location}: ${candidate.failure.code}` : candidate.location,
    );
  }
  return found;
}

test('metadataCandidates: named mirrors first, signed on all before unsigned on any', async () => {
  const asked: string[] = [];
  const both = { 'x.sig': 's', x: 'u' };
  const [a, b, c] = ['a', 'b', 'c'].map((name) => fake(name, both, asked)) as [Mirror, Mirror, Mirror];
  const found = await all({ mirrors: [a, b, c], named: [c], paths });
  assert.deepEqual(found, ['c/x.sig', 'a/x.sig', 'b/x.sig', 'c/x', 'a/x', 'b/x']);
  assert.deepEqual(asked, found);
});

test('metadataCandidates asks a mirror only when it is wanted', async () => {
  const asked: string[] = [];
  const mirrors = ['a', 'b'].map((name) => fake(name, { 'x.sig': 's' }, asked));
  for await (const candidate of metadataCandidates({ mirrors, named: [], paths })) {
    assert.ok('bytes' in candidate && candidate.signed);
    assert.equal(Buffer.from(candidate.bytes).toString(), 's');
    break;
  }
  assert.deepEqual(asked, ['a/x.sig']);
});

test('metadataCandidates tells what is missing only when nothing was found', async () => {
  const mirrors = [fake('a', {}, []), fake('b', { x: 'u' }, [])];
  assert.deepEqual(await all({ mirrors, named: [], paths }), ['b/x']);
  assert.deepEqual(await all({ mirrors: [fake('a', {}, [])], named: [], paths }), [
    'a/x.sig: mirror-not-found',
    'a/x: mirror-not-found',
  ]);
});

test('metadataCandidates reports failures in their place, and leaves a dead mirror alone', async () => {
  const asked: string[] = [];
  const dead = fake('dead', { 'x.sig': new MirrorError('mirror-unreachable', 'dead') }, asked);
  const odd = fake('odd', { 'x.sig': new MirrorError('mirror-http-status', 'odd'), x: 'u' }, asked);
  const found = await all({ mirrors: [dead, odd], named: [], paths });
  assert.deepEqual(found, ['dead/x.sig: mirror-unreachable', 'odd/x.sig: mirror-http-status', 'odd/x']);
  assert.ok(!asked.includes('dead/x'));
});

test('metadataCandidates reports metadata of any size by a code', async () => {
  const huge = fake('huge', {}, []);
  huge.get = async () => ({
    body: new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)),
    }),
    size: undefined,
    etag: undefined,
    location: 'huge',
  });
  const failures = [];
  for await (const candidate of metadataCandidates({ mirrors: [huge], named: [], paths })) {
    if ('failure' in candidate) failures.push(candidate.failure);
  }
  assert.ok(
    failures.every((failure) => failure instanceof MetadataError && failure.code === 'metadata-too-large'),
  );
  assert.equal(failures.length, 2);
});

test('metadataCandidates passes an aborted signal and programming errors through', async () => {
  const reason = new Error('enough');
  const bug = new TypeError('bug');
  const mirrors = [fake('a', { 'x.sig': bug }, [])];
  await assert.rejects(all({ mirrors, named: [], paths, signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(all({ mirrors, named: [], paths }), bug);
});
