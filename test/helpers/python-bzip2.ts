// Python's bz2 module as an oracle, where there is a python3: many inputs with one process.
import { spawnSync } from 'node:child_process';

const SCRIPT = `
import base64, bz2, json, sys
def run(job):
    data = base64.b64decode(job["data"])
    if "level" in job:
        return base64.b64encode(bz2.compress(data, job["level"])).decode()
    try:
        return base64.b64encode(bz2.decompress(data)).decode()
    except (OSError, ValueError, EOFError):
        return None
print(json.dumps([run(job) for job in json.load(sys.stdin)]))
`;

export const hasPythonBzip2: boolean = spawnSync('python3', ['-c', 'import bz2']).status === 0;

function runJobs(jobs: readonly object[]): (Uint8Array | undefined)[] {
  const { stdout } = spawnSync('python3', ['-c', SCRIPT], {
    input: JSON.stringify(jobs),
    maxBuffer: 2 ** 30,
  });
  const results = JSON.parse(stdout.toString()) as (string | null)[];
  return results.map((text) => (text === null ? undefined : Buffer.from(text, 'base64')));
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

export function compressWithPython(
  inputs: readonly { readonly data: Uint8Array; readonly level: number }[],
): Uint8Array[] {
  return runJobs(inputs.map(({ data, level }) => ({ data: base64(data), level }))) as Uint8Array[];
}

/** Undefined where Python refuses. */
export function decompressWithPython(inputs: readonly Uint8Array[]): (Uint8Array | undefined)[] {
  return runJobs(inputs.map((data) => ({ data: base64(data) })));
}
