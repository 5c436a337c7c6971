// The tasks of a warm process. What `prepareTask` does is not measured, what it returns is.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { IndexClient } from '../../src/mirror/index/index-client.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { extractThroughStreams } from '../../src/operations/install/extract-through-streams.js';
import { extractWithCore } from '../../src/operations/install/extract-with-core.js';
import { installWith } from '../../src/operations/install/install.js';
import { openStoreForWriting } from '../../src/operations/open-store.js';
import { resolveSpecs } from '../../src/operations/query/resolve-specs.js';
import { relocateAnyTree } from '../../src/operations/relocate/relocate-any-tree.js';
import type { RelocationEngine } from '../../src/relocation/engine.js';
import { type EngineName, type SelectedEngine, selectEngine } from '../../src/relocation/engines/select.js';
import { Keyring } from '../../src/signature/keys/keyring.js';
import { StagedTree } from '../../src/store/staging/staged-tree.js';
import { GunzipDecoder } from '../../src/stream/gzip/gunzip.js';
import type { Inflater } from '../../src/stream/inflate/inflater.js';
import { TarReader } from '../../src/tar/tar-reader.js';
import { installThroughEntries } from './entries-task.js';
import type { ExtractTask, InstallTask, RelocateTask, SessionTask } from './messages.js';

/** Engines live as long as the process: that is what "warm" means. */
const engines = new Map<EngineName, { readonly selected: SelectedEngine; readonly inflater: Inflater }>();

function engineOf(name: EngineName) {
  const known = engines.get(name);
  if (known !== undefined) return known;
  const selected = selectEngine(name, process.env);
  const made = { selected, inflater: selected.engine.createInflater() };
  engines.set(name, made);
  return made;
}

/** Makes ready; the function that comes back does the work. */
export async function prepareTask(task: SessionTask): Promise<() => Promise<void>> {
  switch (task.type) {
    case 'install': {
      const { selected } = engineOf(task.engine);
      return () => runInstall(task, selected);
    }
    case 'entries': {
      const { selected, inflater } = engineOf(task.engine);
      return () => installThroughEntries(task, selected.engine, inflater);
    }
    case 'relocate': {
      const { engine } = engineOf(task.engine).selected;
      return () => runRelocate(task, engine);
    }
    case 'extract': {
      const { inflater } = engineOf(task.engine);
      return () => runExtract(task, inflater);
    }
  }
}

async function runInstall(task: InstallTask, engine: SelectedEngine): Promise<void> {
  const { root, queries, workers, through } = task;
  const mirrors = [await openMirror(task.cache)];
  const client = new IndexClient({ cacheFolder: join(task.workFolder, 'index'), mirrors });
  const { catalog } = await client.load();
  const specs = await resolveSpecs({ queries, catalog, mirrors });
  const store = await openStoreForWriting({ root, environment: {} });
  const keyring = await Keyring.load({});
  const request = { specs, store, mirrors, catalog, keyring, engine, workers, checkSignature: false };
  const extract = through === 'streams' ? extractThroughStreams : extractWithCore;
  const { packages } = await installWith({ request, options: {}, extract });
  const failed = packages.find(({ outcome }) => outcome !== 'installed');
  if (failed !== undefined) throw failed.error ?? new Error(`${failed.name} is ${failed.outcome}`);
}

async function runRelocate({ tree, mapping }: RelocateTask, engine: RelocationEngine): Promise<void> {
  relocateAnyTree({ tree, mapping, engine, onWarning: () => {} });
}

const INPUT_CHUNK = 512 * 1024;

async function runExtract({ tarball, folder, takesDigest }: ExtractTask, inflater: Inflater): Promise<void> {
  const tree = new StagedTree({ folder, keep: '/.spack/binary_distribution', fileMode: (mode) => mode });
  const reader = new TarReader();
  const onOutput = (bytes: Uint8Array): void => {
    reader.push(bytes);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      if (event.type === 'data') tree.write(event.bytes);
      else if (event.type === 'entry') tree.beginEntry(event.entry);
      else tree.endEntry();
    }
  };
  const decoder = new GunzipDecoder({ inflater, onOutput });
  const hash = takesDigest ? createHash('sha256') : undefined;
  for await (const chunk of createReadStream(tarball, { highWaterMark: INPUT_CHUNK })) {
    hash?.update(chunk as Buffer);
    decoder.push(chunk as Buffer);
  }
  decoder.finish();
  reader.finish();
  hash?.digest();
}
