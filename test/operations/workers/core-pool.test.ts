// Cores that are taken and released: who waits, and what a failure leaves.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CoreJob } from '../../../src/operations/install/package-core.js';
import { CorePool, type OpenTarball } from '../../../src/operations/workers/core-pool.js';
import { InflaterPool } from '../../../src/operations/workers/inflater-pool.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { settle } from '../../helpers/stream-source.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const { engine } = selectEngine('js', {});

function poolOf(workers: number): CorePool {
  const thresholds = { start: 0, split: Number.POSITIVE_INFINITY };
  return new CorePool({ engine, inflaters: new InflaterPool(engine), workers, thresholds });
}

/** No bytes come, so only the folder of the tree counts. */
function jobIn(context: TestContext): CoreJob {
  const treeFolder = join(temporaryFolder(context), 'tree');
  return { packageName: 'x', hash: 'x', treeFolder, projectionDepth: 1 } as unknown as CoreJob;
}

const open = async (): Promise<OpenTarball> => ({ body: new ReadableStream(), size: 0 });

test('CorePool opens a tarball once a worker is free for it', async (context) => {
  const pool = poolOf(1);
  const job = jobIn(context);
  const first = await pool.take({ job, size: 1, open });
  let isOpened = false;
  const openSecond = () => {
    isOpened = true;
    return open();
  };
  const second = pool.take({ job, size: 1, open: openSecond });
  await settle();
  assert.equal(isOpened, false);
  pool.release(first.core);
  const { core } = await second;
  assert.equal(isOpened, true);
  pool.release(core);
  await pool.close();
});

test('CorePool keeps its worker when a tarball cannot be opened', async (context) => {
  const pool = poolOf(1);
  const job = jobIn(context);
  const failure = new Error('no tarball');
  await assert.rejects(pool.take({ job, size: 1, open: () => Promise.reject(failure) }), failure);
  const { core } = await pool.take({ job, size: 1, open });
  pool.release(core);
  await pool.close();
});

test('InflaterPool gives a decoder that was released to the next', () => {
  const pool = new InflaterPool(engine);
  const first = pool.take();
  assert.notEqual(pool.take(), first);
  pool.release(first);
  assert.equal(pool.take(), first);
});
