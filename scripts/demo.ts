// `npm run demo`: serves the padded, signed build cache of the fixtures over HTTP on a free loopback port, installs `toolgamma` with
// everything it needs into a new folder through the whole pipeline, signatures checked, and runs the installed program.
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { runProgram } from '../src/cli/program.js';

const fixtures = join(process.cwd(), 'test', 'fixtures');
const cache = join(fixtures, 'caches', 'padded-signed');

/** A file server for one folder. */
async function serve(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = join(folder, normalize(decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/')));
    const status = statSync(path, { throwIfNoEntry: false });
    if (status?.isFile() !== true) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': status.size });
    if (request.method === 'HEAD') response.end();
    else createReadStream(path).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function sink(stream: NodeJS.WriteStream) {
  return {
    write: (text: string) => stream.write(text),
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 80,
  };
}

/** Runs an installed program; undefined if this system cannot start it. */
function run(program: string): string | undefined {
  const { status, stdout, error } = spawnSync(program, { encoding: 'utf8' });
  return error === undefined && status === 0 ? stdout : undefined;
}

async function demo(): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'regraft-demo-'));
  process.env.XDG_CACHE_HOME = join(work, 'cache');
  const server = await serve(cache);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const root = join(work, 'opt');
  console.log(
    `Serving a signed build cache of a real Spack at ${url}, installing "toolgamma" from it to ${root}\n`,
  );
  const keyring = join(fixtures, 'keys', 'fixture-key.pub');
  const args = [
    'install',
    'toolgamma',
    '--mirror',
    url,
    '--root',
    root,
    '--keyring',
    keyring,
    '--any-platform',
  ];
  const status = await runProgram(args, {
    version: 'demo',
    out: sink(process.stdout),
    err: sink(process.stderr),
  });
  server.close();
  if (status !== 0) return status;
  return runInstalled(root);
}

function runInstalled(root: string): number {
  const bin = join(
    root,
    'linux-debian12-x86_64',
    'gcc-12.2.0',
    'toolgamma-2.1-p44kte6c76fsdhtkrps6qwouhqwa22eb',
    'bin',
  );
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(
      `\nThe installed program is for linux-x64 and cannot run on ${process.platform}-${process.arch}; its files are in ${bin}`,
    );
    return 0;
  }
  for (const name of ['gamma', 'gamma-static']) {
    const program = join(bin, name);
    const output = run(program);
    if (output === undefined) continue;
    console.log(`\nRunning ${program}, which finds itself and its libraries in their new location:`);
    for (const line of output.trimEnd().split('\n').slice(0, 6))
      console.log(`  ${line.replace(/\/{2,}/g, '/…/')}`);
    return 0;
  }
  console.error(`\nNeither of the installed programs in ${bin} can run`);
  return 1;
}

process.exitCode = await demo();
