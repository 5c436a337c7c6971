// The thread in which a core runs: warm, one package after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { errorToData } from '../core/error-transfer.js';
import { selectEngine } from '../relocation/engines/select.js';
import type { CoreAnswer, CoreRequest, CoreWorkerData } from './core-messages.js';
import { PackageCore } from './package-core.js';

const { engine } = selectEngine((workerData as CoreWorkerData).engine, {});
const inflater = engine.createInflater();
let core: PackageCore | undefined;

function answer(message: CoreAnswer): void {
  parentPort?.postMessage(message);
}

async function handle(request: CoreRequest): Promise<void> {
  switch (request.type) {
    case 'begin':
      core = new PackageCore(request.job, engine, inflater);
      return;
    case 'chunk':
      core?.push(request.bytes);
      return answer({ type: 'taken', files: core?.files ?? 0 });
    case 'end': {
      const failure = core?.end();
      return answer({ type: 'ended', failure: failure === undefined ? undefined : errorToData(failure) });
    }
    case 'complete':
      if (core !== undefined) answer({ type: 'completed', result: await core.complete() });
      return;
    case 'abandon':
      core?.abandon();
      core = undefined;
  }
}

parentPort?.on('message', (request: CoreRequest) => {
  handle(request).catch((error: unknown) => answer({ type: 'failed', error: errorToData(error) }));
});
answer({ type: 'ready' });
