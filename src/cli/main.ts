#!/usr/bin/env node
// The executable: connects the program to this process.
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import type { WriteStream } from 'node:tty';
import { PACKAGE_FOLDER } from '../core/package-folder.js';
import type { Sink } from './console.js';
import { EXIT } from './exit-code.js';

function sinkOf(stream: WriteStream): Sink {
  return {
    write: (text) => stream.write(text),
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 80,
  };
}

let isOutputLost = false;
// The reader of the results may stop early, as in `regraft list | head`; the command still runs to its end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  isOutputLost ||= error.code !== 'EPIPE';
});
process.stderr.on('error', () => {});
const { version } = JSON.parse(readFileSync(new URL('package.json', PACKAGE_FOLDER), 'utf8')) as {
  version: string;
};
// Node 22 and later can cache compiled code between runs; this must be on before the program is loaded.
const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: () => unknown };
enableCompileCache?.();
const { runProgram } = await import('./program.js');
const exitCode = await runProgram(process.argv.slice(2), {
  version,
  out: sinkOf(process.stdout),
  err: sinkOf(process.stderr),
});
process.exitCode = isOutputLost ? EXIT.failed : exitCode;
