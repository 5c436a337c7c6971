// The thread in which a core runs: warm, one package after the other, or half of a large one.
import { createHash } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { errorToData } from '../../core/error-transfer.js';
import { selectEngine } from '../../relocation/engines/select.js';
import { adoptModules } from '../../relocation/engines/wasm/web-assembly.js';
import type { Inflater } from '../../stream/inflate/inflater.js';
import type { PackageCore } from '../install/package-core.js';
import type { CoreAnswer, CoreRequest, CoreWorkerData } from './core-messages.js';
import { PipedUnpacker } from './piped-tarball.js';

const { engine: engineName, modules, input } = workerData as CoreWorkerData;
if (modules !== undefined) adoptModules(modules);
const { engine } = selectEngine(engineName, {});
/** Made when it is needed: bytes may come decompressed. */
let inflater: Inflater | undefined;

/** What a worker can be doing. */
interface Work {
  push(bytes: Uint8Array): void;
  /** Why the input could not be used, and the segment that counts. */
  end(): Promise<{ failure: unknown; segment: number }>;
  close(): void;
  readonly core?: PackageCore;
}

let work: Work | undefined;
/** Of the chunks of one package. */
let hash = createHash('sha256');

function packageWork(core: PackageCore): Work {
  return {
    core,
    push: (bytes) => core.push(bytes),
    end: async () => ({ ...core.end(), segment: 0 }),
    close: () => core.abandon(),
  };
}

/** A package whose bytes come decompressed from the owner. */
function pipedPackageWork(core: PackageCore, port: MessagePort): Work {
  const unpacker = new PipedUnpacker(core, port, (files) => answer({ type: 'unpacked', files }));
  return { core, push: () => {}, end: () => unpacker.end(), close: () => unpacker.close() };
}

function answer(message: CoreAnswer): void {
  parentPort?.postMessage(message);
}

async function handle(request: Exclude<CoreRequest, { type: 'abandon' }>): Promise<void> {
  switch (request.type) {
    case 'begin': {
      hash = createHash('sha256');
      // Loaded when it is needed: a worker that only decompresses stays small.
      const { PackageCore } = await import('../install/package-core.js');
      if (request.port === undefined) {
        inflater ??= engine.createInflater();
        work = packageWork(new PackageCore(request.job, engine, inflater));
      } else work = pipedPackageWork(new PackageCore(request.job, engine, undefined), request.port);
      return;
    }
    case 'chunk': {
      const bytes = input.subarray(request.at, request.at + request.length);
      hash.update(bytes);
      work?.push(bytes);
      return answer({ type: 'taken', files: work?.core?.files ?? 0 });
    }
    case 'end': {
      const { failure, segment } = (await work?.end()) ?? { failure: undefined, segment: 0 };
      return answer({
        type: 'ended',
        failure: failure === undefined ? undefined : errorToData(failure),
        digest: hash.digest('hex'),
        segment,
      });
    }
    case 'complete':
      if (work?.core !== undefined) answer({ type: 'completed', result: await work.core.complete() });
      return;
  }
}

function abandon(): void {
  work?.close();
  work = undefined;
}

/** Requests are worked on one after the other, also those that have to wait. */
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (request: CoreRequest) => {
  // An owner that gives up must not wait for what it gave up.
  if (request.type === 'abandon') return abandon();
  last = last
    .then(() => handle(request))
    .catch((error: unknown) => answer({ type: 'failed', error: errorToData(error) }));
});
answer({ type: 'ready' });
