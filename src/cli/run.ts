// Runs one command with a console and an abort signal for interruptions; prints its error and turns it into the exit code.
import { Console, type JsonMode, type Sink } from './console.js';
import { exitCodeOf } from './exit-code.js';

export interface GlobalFlags {
  readonly json?: boolean | string;
  readonly fullPaths?: boolean;
}

export type CommandAction = (console: Console, signal: AbortSignal) => Promise<number>;

/** How commands are run; the program passes it to each. */
export type CommandRun = (flags: object, action: CommandAction) => Promise<void>;

export interface ProcessEnvironment {
  readonly out: Sink;
  readonly err: Sink;
  /** Flags that stand before the command. */
  readonly globalFlags: () => GlobalFlags;
  readonly setExitCode: (code: number) => void;
}

/** Makes the runner for a process. */
export function createRun(environment: ProcessEnvironment): CommandRun {
  return async (flags, action) => {
    const globals = { ...environment.globalFlags(), ...(flags as GlobalFlags) };
    const { out, err } = environment;
    const console = new Console({
      out,
      err,
      json: jsonMode(globals.json),
      fullPaths: globals.fullPaths ?? false,
    });
    const controller = new AbortController();
    const interrupt = () => controller.abort();
    process.once('SIGINT', interrupt);
    process.once('SIGTERM', interrupt);
    try {
      environment.setExitCode(await action(console, controller.signal));
    } catch (error) {
      console.error(error);
      if (process.env.REGRAFT_DEBUG)
        err.write(console.shown(`${error instanceof Error ? error.stack : error}\n`));
      environment.setExitCode(exitCodeOf(error));
    } finally {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    }
  };
}

/** What `--json` asks for. */
export function jsonMode(flag: boolean | string | undefined): JsonMode {
  if (flag === undefined || flag === false) return undefined;
  return flag === 'lines' ? 'lines' : 'document';
}
