// Round trips with real Spacks through a real registry: each installs what the other one pushed, and the images are the same.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Repository } from '../../src/transport/oci/repository.js';
import { readAll } from '../../src/transport/read-object.js';
import { NO_OCI_REGISTRY, startOciRegistry } from '../helpers/oci-registry.js';
import { NO_SPACK, OLD_SPACKS, SPACKS, versionOf } from '../helpers/spack-peer.js';
import { PROJECTION, SpackSource } from '../helpers/spack-source.js';
import { FIXTURES_V2V3 } from '../spec/spec-samples.js';

const skip = NO_OCI_REGISTRY || (FIXTURES_V2V3 === undefined ? 'skipped: no REGRAFT_FIXTURES' : false);
const ROOTS = ['toolgamma', 'interpuser'];
/** It pushes only what has all its build dependencies. */
const ROOTS_OF_OLD = [...ROOTS, 'buildonly'];

interface Peer {
  readonly spack: string;
  readonly layout: '2' | '3';
  readonly cache: string;
  readonly roots: readonly string[];
}

const PEERS: readonly Peer[] = [
  ...OLD_SPACKS.map(
    (spack) => ({ spack, layout: '2', cache: 'layout2-padded-signed', roots: ROOTS_OF_OLD }) as const,
  ),
  ...SPACKS.map((spack) => ({ spack, layout: '3', cache: 'layout3-padded-signed', roots: ROOTS }) as const),
];
const NOBODY: Peer = { spack: '', layout: '3', cache: '', roots: ROOTS };

/** An image by its tag, without what follows from how and when its layer was compressed. */
async function imageOf({ manifests, blobs }: Repository, tag: string): Promise<readonly unknown[]> {
  const found = await manifests.get(tag);
  assert.ok(found, tag);
  const manifest = JSON.parse(Buffer.from(found.bytes).toString('utf8'));
  const opener = { open: (digest: string) => blobs.open(digest) };
  const config = await readAll(opener, manifest.config.digest, { limit: 1 << 20 });
  for (const each of [manifest.config, ...manifest.layers]) {
    assert.match(each.digest, /^sha256:/);
    each.digest = each.size = undefined;
  }
  const { archive_size, archive_timestamp, binary_cache_checksum, ...facts } = JSON.parse(
    Buffer.from(config).toString('utf8'),
  );
  return [JSON.stringify(manifest), JSON.stringify(facts)];
}

async function tagsOf(repository: Repository): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of repository.tags()) tags.push(tag);
  return tags.sort();
}

for (const { spack, layout, cache, roots } of PEERS.length > 0 ? PEERS : [NOBODY]) {
  const name = spack === '' ? 'A real Spack' : `Spack ${versionOf(spack)}`;
  const noPeer = spack === '' ? NO_SPACK || 'skipped: no Spack' : false;

  test(`${name} and regraft install from a registry what the other one pushed, which is the same`, {
    skip: noPeer || skip,
  }, async (t) => {
    const registry = startOciRegistry(t, { withTls: true });
    const source = await SpackSource.make(t, spack, { cache, roots });
    source.environment = { SSL_CERT_FILE: registry.authority ?? '' };
    const url = (place: string) => registry.url(`some/${place}`);
    const mirrors = {
      ours: { url: url('ours'), signed: false },
      theirs: { url: url('theirs'), signed: false },
    };
    const run = source.peer(t, { name: 's', mirrors });
    const push = (place: string, specs: readonly string[], root: string) =>
      source.regraft(
        ...['push', ...specs, '-m', url(place), '--layout', layout, '--unsigned', '--update-index'],
        ...['-r', root, '--spack-prefix', spack],
      );
    await push('ours', roots, source.root);
    run('buildcache', 'install', '--otherarch', '--unsigned', ...roots);
    const hashes = hashesIn(run('find', '-L'));
    run('buildcache', 'push', ...pushedBy(layout), 'theirs', ...hashes);
    await push('again', hashes, join(source.folder, 'opt'));
    const [again, theirs] = [registry.open('some/again'), registry.open('some/theirs')];
    const tags = await tagsOf(theirs);
    assert.ok(tags.length > hashes.length);
    assert.deepEqual(await tagsOf(again), tags);
    for (const tag of tags) assert.deepEqual(await imageOf(again, tag), await imageOf(theirs, tag), tag);
    const into = ['-r', join(source.folder, 'o'), '--projection', PROJECTION];
    await source.regraft('install', ...roots, '-m', url('theirs'), '--no-check-signature', ...into);
    await source.regraft('mirror', 'check', url('theirs'), '--no-check-signature');
  });
}

function pushedBy(layout: '2' | '3'): readonly string[] {
  return ['--unsigned', '--update-index', ...(layout === '3' ? ['--without-build-dependencies'] : [])];
}

function hashesIn(listed: string): readonly string[] {
  return [...listed.matchAll(/^([a-z0-9]{32}) /gm)].map(([, hash]) => `/${hash}`);
}
