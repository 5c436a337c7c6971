// One binary by each of the four ways to relocate it: in the stage of an installation, in the streams, as a file of any tree, and in
// memory. All give the same bytes, or the same refusal, with every engine.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Buildinfo } from '../../../src/buildcache/buildinfo/buildinfo.js';
import { formatBuildinfo } from '../../../src/buildcache/buildinfo/write-buildinfo.js';
import { rulesOfLayout } from '../../../src/buildcache/relocation-rules.js';
import { fromLatin1 } from '../../../src/core/bytes.js';
import { RelocationError } from '../../../src/core/errors.js';
import { MemoryFile } from '../../../src/core/memory-file.js';
import { relocateAnyTree } from '../../../src/operations/relocate/relocate-any-tree.js';
import { relocateTree } from '../../../src/operations/relocate/relocate-tree.js';
import type { RelocationEngine } from '../../../src/relocation/engine.js';
import { JsEngine } from '../../../src/relocation/engines/js.js';
import { BinaryRelocator } from '../../../src/relocation/files/binary-relocator.js';
import { makePlan, type PlanInput, type RelocationPlan } from '../../../src/relocation/plan/plan.js';
import { HitRecorder } from '../../../src/relocation/prefixes/hit-recorder.js';
import { relocate } from '../../../src/relocation/streams/relocate-stream.js';
import { readPlan } from '../../../src/relocation/streams/stream-plan.js';
import type { ArchiveEntry } from '../../../src/tar/archive-entry.js';
import { ENGINES } from '../../engines/engines.js';
import { binaryFixture } from '../../helpers/binary-fuzz.js';
import { buildElf } from '../../helpers/elf-builder.js';
import { fatMacho, machoFixture, machoOfNames, withSignature } from '../../helpers/macho-builder.js';
import { addMembers, file, folder, newTree, safe } from '../../helpers/staged-members.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

interface Case {
  readonly bytes: Uint8Array;
  /** The old and the new root; the package is `greet` below them. */
  readonly from?: string;
  readonly to: string;
  readonly expected: string;
}

const OLD = '/old/store';
const LONGER = '/a/longer/store';
const LC_RPATH = 0x8000001c;
const LIBRARY = machoFixture('libgreet-arm64.dylib');
const SIGNED = withSignature(LIBRARY, { directories: [{ hashType: 2, flags: 0 }], identity: 200 });
const ELSEWHERE = moved(LIBRARY, OLD, '/xyz/abcde');
/** Names do not begin so, one C string does. */
const STRING_ONLY = `${OLD}/greet/share`;

/** A library of another root, whose signature fits. */
function moved(bytes: Buffer, from: string, to: string): Buffer {
  const mapping = [[from, to]] as const;
  const options = { mapping, cStringMapping: mapping, rewriteInterpreter: true, replaceIdentity: false };
  const target = new MemoryFile(Buffer.from(bytes));
  new BinaryRelocator({ ...options, engine: new JsEngine() }).relocate({ name: 'library', file: target });
  return Buffer.from(target.bytes);
}

/** Makes the signature of a file one that cannot be read. */
function withBrokenSignature(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(0xfffffff0, directoryOf(copy) + 4);
  return copy;
}

/** Takes the flag of an ad-hoc signature away; page hashes stay as they are, and fit. */
function withIdentity(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(0, directoryOf(copy) + 12);
  return copy;
}

function directoryOf(bytes: Buffer): number {
  return bytes.indexOf(Buffer.from('fade0c02', 'hex'));
}

const CASES: Readonly<Record<string, Case>> = {
  'a library that becomes shorter': { bytes: LIBRARY, to: '/n', expected: 'changed' },
  'a library without old paths': { bytes: ELSEWHERE, to: '/n', expected: 'same' },
  'a string that cannot grow, in an ad-hoc signed library': {
    bytes: LIBRARY,
    to: LONGER,
    expected: 'cannot-grow-string',
  },
  'a real identity, and names that change': { bytes: SIGNED, to: '/n', expected: 'macho-signed' },
  'a real identity, and a string that cannot grow': { bytes: SIGNED, to: LONGER, expected: 'macho-signed' },
  'a real identity, and a string that changes, but no name': {
    bytes: SIGNED,
    from: STRING_ONLY,
    to: '/n',
    expected: 'macho-signed',
  },
  'a real identity, and a string that cannot grow, but no name changes': {
    bytes: SIGNED,
    from: STRING_ONLY,
    to: `${STRING_ONLY}/more`,
    expected: 'macho-signed',
  },
  'a real identity, and nothing to change': { bytes: SIGNED, from: '/nowhere', to: '/n', expected: 'same' },
  'a real identity in a slice that stays, beside one that changes': {
    bytes: fatMacho([LIBRARY, withIdentity(ELSEWHERE)]),
    to: '/n',
    expected: 'macho-signed',
  },
  'a broken signature, and a string that cannot grow': {
    bytes: withBrokenSignature(LIBRARY),
    to: LONGER,
    expected: 'macho-signature',
  },
  'a broken signature, and nothing to change': {
    bytes: withBrokenSignature(LIBRARY),
    from: '/nowhere',
    to: '/n',
    expected: 'same',
  },
  'names without room, in a signed library': {
    bytes: SIGNED,
    to: `/${'long/'.repeat(2000)}`,
    expected: 'macho-no-room',
  },
  'names without room behind them': {
    bytes: machoOfNames([{ command: LC_RPATH, name: `${OLD}/greet/lib` }], 0),
    to: `${LONGER}/and/more/of/it`,
    expected: 'macho-no-room',
  },
  'a 32 bit library': {
    bytes: Buffer.concat([Buffer.from('cefaedfe', 'hex'), Buffer.alloc(60), Buffer.from(`${OLD}\0`)]),
    to: LONGER,
    expected: 'macho-unsupported',
  },
  'half a library': { bytes: LIBRARY.subarray(0, 200), to: '/n', expected: 'same' },
  'an ELF file that becomes shorter': {
    bytes: buildElf({ rpath: `${OLD}/greet/lib`, payload: Buffer.from(`\0${OLD}/x\0`) }).bytes,
    to: '/n',
    expected: 'changed',
  },
  'an ELF file whose rpath and string cannot grow': {
    bytes: buildElf({ rpath: `${OLD}/greet/lib`, payload: Buffer.from(`\0${OLD}/x\0`) }).bytes,
    to: LONGER,
    expected: 'cannot-grow-rpath',
  },
  'an ELF file with a string that cannot grow': {
    bytes: buildElf({ payload: Buffer.from(`\0${OLD}/x\0`) }).bytes,
    to: LONGER,
    expected: 'cannot-grow-string',
  },
  'an ELF file with a string that cannot shrink by so little': {
    bytes: buildElf({ rpath: `${OLD}/greet/lib`, payload: Buffer.from(`\0${OLD}/x\0`) }).bytes,
    to: '/old/stor',
    expected: 'cannot-shrink-string',
  },
  'an ELF file that grows, to a prefix that holds the old one': {
    bytes: binaryFixture('hello-pie'),
    to: `${OLD}-2`,
    expected: 'changed',
  },
};

const NAME = 'lib/libx';

interface Trial extends Case {
  readonly engine: RelocationEngine;
  readonly plan: RelocationPlan;
  readonly places: PlanInput;
  readonly folder: string;
}

type Way = (trial: Trial) => Uint8Array | Promise<Uint8Array>;

function stage({ bytes, engine, plan, folder: parent }: Trial, isRecorded: boolean): Uint8Array {
  const [root = ''] = plan.binaryMapping.at(-1) ?? [];
  const recordHits = () => new HitRecorder(engine, fromLatin1(root));
  const tree = newTree(parent, isRecorded ? { recordHits } : {});
  addMembers(tree, [folder('p'), folder('p/lib'), file(`p/${NAME}`, bytes)]);
  tree.rootAt(safe('p'));
  relocateTree({ tree, root: safe('p'), plan, engine, onWarning: assert.fail });
  return readFileSync(tree.locate(`p/${NAME}`));
}

function anyTree({ bytes, engine, plan, folder: parent }: Trial): Uint8Array {
  const tree = join(parent, 'any');
  mkdirSync(join(tree, 'lib'), { recursive: true });
  const path = join(tree, NAME);
  writeFileSync(path, bytes);
  try {
    relocateAnyTree({ tree, mapping: plan.binaryMapping, engine, onWarning: assert.fail });
  } catch (error) {
    assert.ok(readFileSync(path).equals(bytes), 'a tree that cannot move stays as it is');
    throw error;
  }
  return readFileSync(path);
}

async function streams({ bytes, engine, plan, places }: Trial, pieceSize: number): Promise<Uint8Array> {
  const buildinfo = formatBuildinfo({
    ...places.buildinfo,
    sbangInstallPath: '',
    spackprefix: '/spack',
    relativePrefix: 'greet',
  });
  const open = () =>
    ReadableStream.from([
      entryOf('p', undefined, pieceSize),
      entryOf('p/lib', undefined, pieceSize),
      entryOf(`p/${NAME}`, bytes, pieceSize),
      entryOf('p/.spack', undefined, pieceSize),
      entryOf('p/.spack/binary_distribution', buildinfo, 1 << 20),
    ]);
  const found = await readPlan(open, { ...places, engine, source: 'x.spack' });
  assert.deepEqual(found.relocation.binaryMapping, plan.binaryMapping);
  let result: Uint8Array | undefined;
  for await (const { entry, body } of open().pipeThrough(relocate(found, { engine }))) {
    const content = new Uint8Array(await new Response(body).arrayBuffer());
    if (entry.path === `p/${NAME}`) result = content;
  }
  assert.ok(result);
  return result;
}

function entryOf(path: string, bytes: Uint8Array | undefined, pieceSize: number): ArchiveEntry {
  const pieces: Uint8Array[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length; at += pieceSize)
    pieces.push(bytes.slice(at, at + pieceSize));
  const type = bytes === undefined ? 'directory' : 'file';
  const entry = { path, type, mode: 0o755, size: bytes?.length ?? 0, mtime: 0, linkPath: undefined } as const;
  return { entry, body: ReadableStream.from(pieces) };
}

function memory({ bytes, engine, plan }: Trial): Uint8Array {
  const relocator = new BinaryRelocator({
    engine,
    mapping: plan.binaryMapping,
    cStringMapping: plan.cStringMapping,
    rewriteInterpreter: true,
    replaceIdentity: false,
  });
  const target = new MemoryFile(Buffer.from(bytes));
  relocator.relocate({ name: NAME, file: target });
  return target.bytes;
}

const WAYS: Readonly<Record<string, Way>> = {
  install: (trial) => stage(trial, false),
  'install, hits known': (trial) => stage(trial, true),
  streams: (trial) => streams(trial, 1 << 20),
  'streams of small pieces': (trial) => streams(trial, 3),
  'any tree': anyTree,
  memory,
};

function placesOf({ from = OLD, to }: Case): PlanInput {
  const buildinfo: Buildinfo = {
    sbangInstallPath: undefined,
    buildpath: from,
    spackprefix: undefined,
    relativePrefix: 'greet',
    relocateTextfiles: [],
    relocateBinaries: [NAME],
    relocateLinks: [],
    hardlinksDeduped: true,
    relativeRpaths: false,
    hashToPrefix: new Map([['aaa', `${from}/greet`]]),
  };
  return {
    buildinfo,
    newPrefix: `${to}/greet`,
    newLayoutRoot: to,
    newSbangPath: '/sbang',
    newSpackPrefix: '/spack',
    newPrefixes: [],
    rules: rulesOfLayout(2),
  };
}

async function outcomeOf(way: Way, trial: Trial): Promise<{ readonly what: string; readonly bytes: string }> {
  try {
    const bytes = Buffer.from(await way(trial));
    return { what: bytes.equals(trial.bytes) ? 'same' : 'changed', bytes: bytes.toString('latin1') };
  } catch (error) {
    assert.ok(error instanceof RelocationError, String(error));
    assert.ok(String(error.data.path).endsWith(NAME), String(error.data.path));
    return { what: error.code, bytes: '' };
  }
}

describe('relocateTree, relocate, relocateAnyTree and BinaryRelocator', () => {
  for (const [name, each] of Object.entries(CASES)) {
    it(`agree on ${name}: ${each.expected}`, async (test: TestContext) => {
      const top = temporaryFolder(test);
      const places = placesOf(each);
      const plan = makePlan(places);
      const results = new Map<string, string>();
      let expected: string | undefined;
      for (const engine of ENGINES) {
        for (const [way, run] of Object.entries(WAYS)) {
          const parent = mkdtempSync(join(top, 'x-'));
          const { what, bytes } = await outcomeOf(run, { ...each, engine, plan, places, folder: parent });
          results.set(`${way}, ${engine.name}`, what);
          expected ??= bytes;
          if (what === each.expected) assert.ok(bytes === expected, `${way}, ${engine.name}: other bytes`);
        }
      }
      const wanted = [...results.keys()].map((key) => [key, each.expected]);
      assert.deepEqual(Object.fromEntries(results), Object.fromEntries(wanted));
    });
  }
});
