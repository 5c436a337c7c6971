// The warm process: runs one task after another, measures each separately, and stays alive.
import type { SessionAnswer, SessionTask } from './messages.js';
import { prepareTask } from './tasks.js';

async function perform(task: SessionTask): Promise<SessionAnswer> {
  const run = await prepareTask(task);
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  await run();
  const wall = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { type: 'done', wall, cpu: (user + system) / 1000 };
}

process.on('message', (task: SessionTask) => {
  perform(task)
    .catch((error: unknown): SessionAnswer => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { type: 'failed', message };
    })
    .then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit());
