// What is pushed to a registry is an image for the tools of the field: they find every digest as it is said, unpack it, and what is in it runs.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NO_OCI_REGISTRY, startOciRegistry } from '../helpers/oci-registry.js';
import { runHere } from '../helpers/program-run.js';
import { FIXTURES_V2V3 } from '../spec/spec-samples.js';
import { temporaryFolder } from '../store/temporary-folder.js';

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

const CRANE = process.env.CRANE ?? 'crane';
const TOOLS = ['skopeo', 'umoci'].filter((program) => !has(program));
const skip =
  NO_OCI_REGISTRY ||
  (FIXTURES_V2V3 === undefined && 'skipped: no REGRAFT_FIXTURES') ||
  (TOOLS.length > 0 && `skipped: ${TOOLS.join(' and ')} is not installed`);

test('a pushed package is an image that tools copy, unpack and run', { skip }, async (t) => {
  const registry = startOciRegistry(t);
  const folder = temporaryFolder(t);
  const regraft = async (...args: string[]) => {
    const { exitCode, out, err } = await runHere(args, { folder });
    assert.equal(exitCode, 0, `${args.join(' ')}\n${out}${err}`);
    return out;
  };
  const pack = FIXTURES_V2V3 ?? '';
  const root = join(folder, 'store');
  const from = ['-m', join(pack, 'caches/layout3-padded-signed'), '-k', join(pack, 'keys/fixture-key.pub')];
  await regraft('install', 'toolgamma', 'libplain', ...from, '-r', root);
  const url = registry.url('some/cache');
  await regraft(
    'push',
    'toolgamma',
    'libplain',
    '-m',
    url,
    '--unsigned',
    '--layout',
    '3',
    '--tag',
    'tools',
    '-r',
    root,
  );
  const image = `127.0.0.1:${registry.port}/some/cache:tools`;
  if (has(CRANE)) execFileSync(CRANE, ['validate', '--insecure', '--remote', image], { stdio: 'pipe' });
  else t.diagnostic('crane is not installed: its check of every digest is left out');
  const layout = join(folder, 'layout');
  const copied = [
    '--insecure-policy',
    'copy',
    '--src-tls-verify=false',
    `docker://${image}`,
    `oci:${layout}:tools`,
  ];
  execFileSync('skopeo', copied, { stdio: 'pipe' });
  const inspected = JSON.parse(
    execFileSync('skopeo', ['inspect', '--config', `oci:${layout}:tools`], { encoding: 'utf8' }),
  );
  assert.deepEqual([inspected.os, inspected.architecture], ['linux', 'amd64']);
  const bundle = join(folder, 'bundle');
  const rootless = process.getuid?.() === 0 ? [] : ['--rootless'];
  execFileSync('umoci', ['unpack', ...rootless, '--image', `${layout}:tools`, bundle], { stdio: 'pipe' });
  const path = (inspected.config.Env as string[]).find((each) => each.startsWith('PATH='))?.slice(5) ?? '';
  const bin = path.split(':').find((each) => each.includes('/toolgamma-'));
  assert.ok(bin, path);
  const names = execFileSync('ls', [join(bundle, 'rootfs', bin)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const isStatic = (name: string) =>
    !readFileSync(join(bundle, 'rootfs', bin, name)).includes('/ld-linux') &&
    readFileSync(join(bundle, 'rootfs', bin, name))
      .subarray(1, 4)
      .toString() === 'ELF';
  const programs = names.filter(isStatic);
  assert.ok(programs.length > 0, names.join(' '));
  if (process.getuid?.() !== 0) return t.diagnostic('not root: nothing was run in the image');
  for (const program of programs) {
    const path = join(bin, program);
    const { status, stdout, stderr } = spawnSync('chroot', [join(bundle, 'rootfs'), path], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${program}: ${stderr}`);
    assert.match(stdout, /\S/);
  }
});
