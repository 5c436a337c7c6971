// Small mirrors of layout 3 for tests, written by the publisher: packages that depend on each other in a row, with index.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Publisher, SignText } from '../../../src/mirror/build-cache.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { requirePublisher } from '../../../src/mirror/require-publisher.js';
import { indexMirror } from '../../../src/operations/publish/index-mirror.js';
import { parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import type { Spec } from '../../../src/spec/spec.js';
import { packPackages } from '../../helpers/packed-package.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

export interface Layer3Mirror {
  readonly folder: string;
  readonly specs: readonly Spec[];
  /** Files of the package with this number; the first one depends on nothing. */
  manifest(number: number): string;
  tarball(number: number): string;
  specBlob(number: number): string;
  indexBlob(): string;
}

export interface MirrorSketch {
  readonly packages: number;
  readonly index?: boolean;
}

/** A package to be pushed. */
export interface Pushable {
  readonly spec: Spec;
  readonly json: Uint8Array;
  readonly tarball: Uint8Array;
}

/** Packages that are called p0, p1, …, each one needing the one before it. */
export function pushables(count: number, { areChained = true } = {}): Pushable[] {
  const sketches = Array.from({ length: count }, (_, i) => ({
    name: `p${i}`,
    ...(areChained && i > 0 && { dependencies: [`p${i - 1}`] }),
  }));
  return packPackages(sketches, { withParents: true }).map(({ spec, tarball, sketch }) => {
    const json = Buffer.from(JSON.stringify(spec));
    if (tarball === undefined) throw new TypeError('No externals here');
    return { spec: parseSpecDictionary(spec, sketch.name), json, tarball };
  });
}

/** Pushes a package as a push does. */
export async function pushInto(folder: string, pushable: Pushable): Promise<void> {
  const { cache } = await openMirror(folder, { layout: 3 });
  await pushThrough(requirePublisher(cache), pushable);
}

export async function pushThrough(
  publisher: Publisher,
  { spec, json, tarball }: Pushable,
  { sign, isSettledLater }: { readonly sign?: SignText | undefined; readonly isSettledLater?: boolean } = {},
): Promise<void> {
  const publication = await publisher.begin(spec, { isSettledLater });
  try {
    await publication.write(tarball);
    const sha256 = createHash('sha256').update(tarball).digest('hex');
    const specJson = { bytes: json, path: 'spec.json' };
    const tarSha256 = createHash('sha256').update(gunzipSync(tarball)).digest('hex');
    const image = { tarSha256, inspect: () => undefined };
    await publication.finish({ specJson, sha256, size: tarball.length, sign, image });
  } finally {
    await publication.abandon();
  }
}

/** As a push does that looks for what it has pushed at its end. */
export async function pushSettled(publisher: Publisher, pushable: Pushable, sign?: SignText): Promise<void> {
  await pushThrough(publisher, pushable, { sign, isSettledLater: true });
  const lost = await publisher.settle?.();
  if (lost?.includes(pushable.spec.root.hash)) await pushThrough(publisher, pushable, { sign });
}

export async function layer3Mirror(
  test: TestContext,
  { packages, index = true }: MirrorSketch,
): Promise<Layer3Mirror> {
  const folder = join(temporaryFolder(test), 'mirror');
  mkdirSync(folder);
  const pushed = pushables(packages);
  for (const each of pushed) await pushInto(folder, each);
  if (index) await indexMirror({ mirror: await openMirror(folder, { layout: 3 }) });
  const manifest = (number: number) => {
    const parent = join(folder, `v3/manifests/spec/p${number}`);
    return join(parent, readdirSync(parent).find((name) => name.includes(`p${number}-`)) ?? '');
  };
  const blobs = pushed.map((_, number) => digestsOf(manifest(number)));
  const manifests = pushed.map((_, number) => manifest(number));
  const blob = (digest = '') => join(folder, 'blobs/sha256', digest.slice(0, 2), digest);
  return {
    folder,
    specs: pushed.map(({ spec }) => spec),
    manifest: (number) => manifests[number] ?? '',
    tarball: (number) => blob(blobs[number]?.[0]),
    specBlob: (number) => blob(blobs[number]?.[1]),
    indexBlob: () => blob(digestsOf(join(folder, 'v3/manifests/index/index.manifest.json'))[0]),
  };
}

function digestsOf(manifest: string): string[] {
  return [...readFileSync(manifest, 'latin1').matchAll(/"checksum":"([0-9a-f]{64})"/g)].map(
    ([, digest]) => digest ?? '',
  );
}
