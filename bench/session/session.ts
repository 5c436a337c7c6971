// A warm process from outside: sends it tasks and watches its memory.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { resetHighWaterMark } from '../measure/high-water-mark.js';
import { PeakMemory } from '../measure/peak-memory.js';
import type { Sample } from '../measure/sample.js';
import type { SessionAnswer, SessionTask } from './messages.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

export class Session {
  readonly #child: ChildProcess = fork(CHILD, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

  /**
   * Runs a task in the warm process.
   * @throws Error when it fails or the process ends
   */
  async run(task: SessionTask): Promise<Sample> {
    const { pid } = this.#child;
    if (pid !== undefined) resetHighWaterMark(pid);
    const memory = pid === undefined ? undefined : new PeakMemory(pid);
    try {
      const answer = await this.#ask(task);
      if (answer.type === 'failed') throw new Error(answer.message);
      const peak = memory?.stop();
      return { wall: answer.wall, cpu: answer.cpu, ...(peak === undefined ? {} : { peak }) };
    } finally {
      memory?.stop();
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }

  async #ask(task: SessionTask): Promise<SessionAnswer> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const answer = once(this.#child, 'message', { signal }).then(([message]) => message as SessionAnswer);
    const end = once(this.#child, 'exit', { signal }).then(([code]): never => {
      throw new Error(`The warm process ended with ${code}`);
    });
    answer.catch(() => {});
    end.catch(() => {});
    this.#child.send(task);
    try {
      return await Promise.race([answer, end]);
    } finally {
      waiting.abort();
    }
  }
}
