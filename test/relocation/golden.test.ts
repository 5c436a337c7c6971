// The relocation rules on real packages, in memory: what a plan and an engine make of the files of every cache, compared with
// what the real Spack made of them. Needs the complete fixtures; nothing is written to the golden roots.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Buildinfo, parseBuildinfo } from '../../src/buildcache/buildinfo/buildinfo.js';
import { rulesOfLayout } from '../../src/buildcache/relocation-rules.js';
import { applyEdits, sourceOfBytes } from '../../src/core/byte-source.js';
import { toLatin1 } from '../../src/core/bytes.js';
import type { RelocationEngine } from '../../src/relocation/engine.js';
import { relocateLinkTarget } from '../../src/relocation/names/links.js';
import { dropMissingRpaths } from '../../src/relocation/names/missing-rpaths.js';
import { makePlan, type RelocationPlan } from '../../src/relocation/plan/plan.js';
import { encodeMapping } from '../../src/relocation/prefixes/prefix-map.js';
import { filterShebang, SHEBANG_BYTES } from '../../src/relocation/text/sbang-line.js';
import type { TarEntry } from '../../src/tar/entry.js';
import { TarReader } from '../../src/tar/tar-reader.js';
import { ENGINES } from '../engines/engines.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;
const SPACK_PREFIX = '/tmp/golden-spack';

/** Scenarios whose packages all moved without rpath growth: set, golden folder, cache. */
const SCENARIOS: readonly (readonly [set: string, golden: string, cache: string])[] = [
  ['.', 'a-from-unpadded-signed', 'unpadded-signed'],
  ['.', 'b-from-unpadded-signed', 'unpadded-signed'],
  ['.', 'd-from-unpadded-signed', 'unpadded-signed'],
  ['.', 'e-from-unpadded-signed', 'unpadded-signed'],
  ['.', 'c-from-unpadded-signed-scriptdelta', 'unpadded-signed'],
  ['.', 'a-from-padded-signed', 'padded-signed'],
  ['.', 'b-from-padded-signed', 'padded-signed'],
  ['.', 'c-from-padded-signed', 'padded-signed'],
  ['.', 'd-from-padded-signed', 'padded-signed'],
  ['.', 'p-from-padded-signed', 'padded-signed'],
  ['../fixtures-v2v3', 'b-from-layout1-signed-interpuser', 'layout1-signed'],
  ['../fixtures-v2v3', 'd-from-layout1-signed-interpuser', 'layout1-signed'],
  ['../fixtures-v2v3', 'b-from-layout1-padded-signed-interpuser', 'layout1-padded-signed'],
  ['../fixtures-v2v3', 'b-from-layout2-signed', 'layout2-signed'],
  ['../fixtures-v2v3', 'd-from-layout2-signed', 'layout2-signed'],
  ['../fixtures-v2v3', 'c-from-layout2-padded-signed', 'layout2-padded-signed'],
];

interface Member {
  readonly type: 'file' | 'symlink';
  readonly executable: boolean;
  bytes: Buffer;
}

interface ManifestLine {
  readonly path: string | null;
  readonly path_hex?: string;
  readonly type: string;
  readonly sha256?: string;
  readonly target?: string;
}

interface GoldenStore {
  readonly root: string;
  readonly prefixes: ReadonlyMap<string, string>;
  readonly manifests: ReadonlyMap<string, readonly ManifestLine[]>;
  readonly paths: ReadonlySet<string>;
}

/** The files and symlinks below the package's prefix; the names of a hard link group share their member. */
function readPackage(file: string): { members: Map<string, Member>; buildinfo: Buildinfo } {
  const all = readMembers(gunzipSync(readFileSync(file)));
  const info = [...all.keys()].find((name) => name.endsWith('/.spack/binary_distribution'));
  assert.ok(info);
  const prefix = info.slice(0, -'.spack/binary_distribution'.length);
  const members = new Map([...all].map(([name, member]) => [name.slice(prefix.length), member]));
  return { members, buildinfo: parseBuildinfo(all.get(info)?.bytes ?? Buffer.alloc(0), info) };
}

function readMembers(tar: Uint8Array): Map<string, Member> {
  const members = new Map<string, Member>();
  const reader = new TarReader();
  let parts: Buffer[] = [];
  let current: TarEntry | undefined;
  reader.push(tar);
  for (let event = reader.next(); event !== undefined; event = reader.next()) {
    if (event.type === 'entry') current = event.entry;
    if (event.type === 'data') parts.push(Buffer.from(event.bytes));
    if (event.type !== 'entry-end' || current === undefined) continue;
    addMember(members, current, Buffer.concat(parts));
    parts = [];
  }
  return members;
}

function addMember(members: Map<string, Member>, entry: TarEntry, bytes: Buffer): void {
  const { path, type, linkPath = '' } = entry;
  const executable = (entry.mode & 0o111) !== 0;
  if (type === 'file') members.set(path, { type, executable, bytes });
  if (type === 'symlink') members.set(path, { type, executable, bytes: Buffer.from(linkPath, 'latin1') });
  if (type === 'hardlink') members.set(path, members.get(linkPath) ?? assert.fail(`no "${linkPath}"`));
}

function readGolden(folder: string): GoldenStore {
  const index = JSON.parse(readFileSync(join(folder, 'db-index.json'), 'utf8'));
  const prefixes = new Map<string, string>();
  const manifests = new Map<string, readonly ManifestLine[]>();
  const paths = new Set<string>();
  for (const [hash, record] of Object.entries<{ path: string | null }>(index.database.installs)) {
    if (record.path !== null) prefixes.set(hash, record.path);
  }
  for (const name of readdirSync(join(folder, 'manifests'))) {
    const hash = name.slice(-38, -6);
    const text = readFileSync(join(folder, 'manifests', name), 'utf8').trimEnd();
    const lines = text.split('\n').map((line): ManifestLine => JSON.parse(line));
    manifests.set(hash, lines);
    for (const { path } of lines) paths.add(join(prefixes.get(hash) ?? '', path ?? ''));
  }
  return { root: readFileSync(join(folder, 'store-root.txt'), 'utf8').trim(), prefixes, manifests, paths };
}

function findTarballs(cache: string): ReadonlyMap<string, string> {
  const files = readdirSync(join(cache, 'build_cache'), { recursive: true, encoding: 'utf8' });
  const tarballs = files.filter((file) => file.endsWith('.spack'));
  return new Map(tarballs.map((file) => [basename(file).slice(-38, -6), join(cache, 'build_cache', file)]));
}

function unpaddedRoot(root: string): string {
  return root.replace(/\/__spack_path_placeholder__.*$/, '');
}

function planFor(
  hash: string,
  buildinfo: Buildinfo,
  store: GoldenStore,
  layoutVersion: number,
): RelocationPlan {
  const newPrefixes = [...buildinfo.hashToPrefix.keys()].map((key) => ({
    hash: key,
    prefix: store.prefixes.get(key) ?? assert.fail(`no prefix for ${key}`),
  }));
  return makePlan({
    buildinfo,
    newPrefix: store.prefixes.get(hash) ?? '',
    newLayoutRoot: store.root,
    newSbangPath: `${unpaddedRoot(store.root)}/bin/sbang`,
    newSpackPrefix: SPACK_PREFIX,
    newPrefixes,
    rules: rulesOfLayout(layoutVersion),
  });
}

function relocate(
  engine: RelocationEngine,
  members: ReadonlyMap<string, Member>,
  plan: RelocationPlan,
): void {
  const binaryMapping = encodeMapping(plan.binaryMapping);
  const elf = engine.createElfPatcher(binaryMapping, plan);
  const strings = engine.createCStringReplacer(binaryMapping);
  const text = engine.createTextReplacer(encodeMapping(plan.textMapping));
  const member = (path: string) => members.get(path) ?? assert.fail(`"${path}" is listed, but not there`);
  for (const path of plan.binaryFiles) {
    const { bytes } = member(path);
    applyEdits(bytes, elf.patch(sourceOfBytes(bytes)));
    strings.replace(bytes, { start: 0, isLast: true });
  }
  for (const path of plan.linkFiles) {
    const link = member(path);
    link.bytes = Buffer.from(relocateLinkTarget(link.bytes, { mapping: binaryMapping }).target);
  }
  for (const path of plan.textFiles) {
    const file = member(path);
    file.bytes = Buffer.from(text.replace(file.bytes) ?? file.bytes);
  }
}

/** What the install hooks do to every file. */
function runHooks(members: ReadonlyMap<string, Member>, store: GoldenStore): void {
  const exists = (path: Uint8Array) => {
    const text = toLatin1(path);
    return text.startsWith(`${store.root}/`) ? store.paths.has(join(text, '.')) : existsSync(text);
  };
  const sbangPath = Buffer.from(`${unpaddedRoot(store.root)}/bin/sbang`);
  for (const member of new Set(members.values())) {
    if (member.type !== 'file') continue;
    const edit = dropMissingRpaths(sourceOfBytes(member.bytes), exists);
    if (edit) applyEdits(member.bytes, [edit]);
    const header = member.executable
      ? filterShebang(member.bytes.subarray(0, SHEBANG_BYTES), { sbangPath, limit: 127 })
      : undefined;
    if (header) member.bytes = Buffer.concat([header.header, member.bytes.subarray(header.replaces)]);
  }
}

function compare(members: ReadonlyMap<string, Member>, manifest: readonly ManifestLine[]): number {
  let compared = 0;
  for (const line of manifest) {
    const path = line.path ?? Buffer.from(line.path_hex ?? '', 'hex').toString('latin1');
    const member = members.get(path) ?? members.get(Buffer.from(path, 'utf8').toString('latin1'));
    if (line.type === 'symlink') assert.equal(member?.bytes.toString(), line.target, path);
    else if (line.type === 'file') {
      assert.ok(member, path);
      assert.equal(createHash('sha256').update(member.bytes).digest('hex'), line.sha256, path);
    } else continue;
    compared++;
  }
  return compared;
}

describe('relocation of real packages', {
  skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set',
}, () => {
  for (const [set, golden, cache] of FIXTURES === undefined ? [] : SCENARIOS) {
    for (const engine of ENGINES) {
      it(`gives the bytes of ${golden}, ${engine.name}`, () => {
        const base = join(FIXTURES ?? '', set);
        const store = readGolden(join(base, 'golden', golden));
        const tarballs = findTarballs(join(base, 'caches', cache));
        const layoutVersion = cache.startsWith('layout2') ? 2 : 1;
        let compared = 0;
        for (const [hash, manifest] of store.manifests) {
          const { members, buildinfo } = readPackage(
            tarballs.get(hash) ?? assert.fail(`no tarball of ${hash}`),
          );
          relocate(engine, members, planFor(hash, buildinfo, store, layoutVersion));
          runHooks(members, store);
          compared += compare(members, manifest);
        }
        assert.ok(compared > 0);
      });
    }
  }
});
