// One package through the public streams in one pass: `checksum | decompress | untar | installEntries`, then as `install` does.

import { join } from 'node:path';
import type { Mirror } from '../../src/mirror/build-cache.js';
import { IndexClient } from '../../src/mirror/index/index-client.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { packageOffers } from '../../src/operations/fetch/package-offers.js';
import { coreJob } from '../../src/operations/install/core-job.js';
import { installEntries } from '../../src/operations/install/install-stream.js';
import { PackageCore } from '../../src/operations/install/package-core.js';
import { openStoreForWriting } from '../../src/operations/open-store.js';
import { resolveSpecs } from '../../src/operations/query/resolve-specs.js';
import type { RelocationEngine } from '../../src/relocation/engine.js';
import { Keyring } from '../../src/signature/keys/keyring.js';
import type { Spec } from '../../src/spec/spec.js';
import { Stage } from '../../src/store/staging/stage.js';
import { checksum } from '../../src/stream/checksum.js';
import { decompress } from '../../src/stream/gunzip-stream.js';
import type { Inflater } from '../../src/stream/inflate/inflater.js';
import { untar } from '../../src/tar/untar.js';
import type { EntriesTask } from './messages.js';

/** Installs the first package that the task names, without its dependencies. */
export async function installThroughEntries(
  task: EntriesTask,
  engine: RelocationEngine,
  inflater: Inflater,
): Promise<void> {
  const mirror = await openMirror(task.cache);
  const mirrors = [mirror];
  const client = new IndexClient({ cacheFolder: join(task.workFolder, 'index'), mirrors });
  const { catalog } = await client.load();
  const [spec] = await resolveSpecs({ queries: task.queries, catalog, mirrors });
  if (spec === undefined) throw new Error(`There is no package "${task.queries.join(' ')}"`);
  const store = await openStoreForWriting({ root: task.root, environment: {} });
  store.ensureSbang();
  const stage = Stage.create(store.root, spec.root.hash);
  const prefix = store.ownPrefixOf(spec.root, spec);
  const { rules, tarball } = await descriptionOf(spec, mirror);
  const job = coreJob({ store, stage, spec, prefix, rules, source: tarball.location });
  const sink = installEntries(new PackageCore(job, engine, inflater));
  const { body } = await tarball.open();
  await body
    .pipeThrough(checksum({ algorithm: 'sha256', expected: tarball.sha256 }))
    .pipeThrough(decompress({ inflater }))
    .pipeThrough(untar())
    .pipeTo(sink.writable);
  await sink.result;
  const committed = store.commit({ stage: stage.treeFolder, hash: spec.root.hash, prefix, force: false });
  await store.register({ spec, prefix, explicit: true });
  committed.finish();
  stage.remove();
}

async function descriptionOf(spec: Spec, mirror: Mirror) {
  const keyring = await Keyring.load({});
  const request = { spec, mirrors: [mirror], named: [mirror], keyring, checkSignature: false };
  for await (const offer of packageOffers(request)) {
    if ('refusal' in offer) throw offer.refusal;
    return offer.description;
  }
  throw new Error(`No mirror has "${spec.root.name}"`);
}
