#!/usr/bin/env node
// The executable: connects the program with this process.
import { readFileSync } from 'node:fs';
import type { WriteStream } from 'node:tty';
import type { Sink } from './console.js';
import { runProgram } from './program.js';

function sinkOf(stream: WriteStream): Sink {
  return {
    write: (text) => stream.write(text),
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 80,
  };
}

// Whoever reads the results may stop early: `regraft list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
process.exitCode = await runProgram(process.argv.slice(2), {
  version,
  out: sinkOf(process.stdout),
  err: sinkOf(process.stderr),
});
