// Relocation of trees that are staged in code; the rules themselves are tested in test/relocation and test/engines.
import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { readElf } from '../../../src/binfmt/elf/elf.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { RelocationError } from '../../../src/core/errors.js';
import { type RelocationCounts, relocateTree } from '../../../src/operations/relocate/relocate-tree.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import type { RelocationPlan } from '../../../src/relocation/plan/plan.js';
import { HitRecorder } from '../../../src/relocation/prefixes/hit-recorder.js';
import type { PathMapping } from '../../../src/relocation/prefixes/prefix-map.js';
import type { StagedTree } from '../../../src/store/staging/staged-tree.js';
import { buildElf } from '../../helpers/elf-builder.js';
import {
  addMembers,
  file,
  folder,
  hardlink,
  type MemberOf,
  newTree,
  safe,
  symlink,
} from '../../helpers/staged-members.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const OLD = '/old/store/root';
const NEW = '/new';
const MAPPING: PathMapping = [
  [`${OLD}/dep-1`, `${NEW}/dep`],
  [`${OLD}/pkg-1`, `${NEW}/pkg`],
  [OLD, NEW],
];

function planOf(changes: Partial<RelocationPlan> = {}): RelocationPlan {
  return {
    kind: 'full',
    oldPrefix: `${OLD}/pkg-1`,
    newPrefix: `${NEW}/pkg`,
    textMapping: MAPPING,
    binaryMapping: MAPPING,
    textFiles: [],
    binaryFiles: [],
    linkFiles: [],
    rewriteInterpreter: false,
    normalizeLinkTargets: true,
    relativeRpaths: false,
    cStringMapping: changes.binaryMapping ?? MAPPING,
    aliasRoot: undefined,
    newLayoutRoot: NEW,
    ...changes,
  };
}

interface Relocated {
  readonly tree: StagedTree;
  readonly counts: RelocationCounts;
  readonly warnings: readonly string[];
  read(name: string): string;
}

interface Options {
  readonly engine?: 'js' | 'wasm';
  /** Remember on the way where ELF files have the old root. */
  readonly isRecorded?: boolean;
  readonly pieceSize?: number;
}

function relocate(
  parent: string,
  members: readonly MemberOf[],
  plan: Partial<RelocationPlan>,
  { engine = 'js', isRecorded = false, pieceSize }: Options = {},
): Relocated {
  const selected = selectEngine(engine, {}).engine;
  const recordHits = () => new HitRecorder(selected, Buffer.from(OLD));
  const tree = newTree(parent, isRecorded ? { recordHits } : {});
  addMembers(tree, [folder('p'), ...members.map((each) => ({ ...each, path: `p/${each.path}` }))], pieceSize);
  tree.rootAt(safe('p'));
  const warnings: string[] = [];
  const counts = relocateTree({
    tree,
    root: safe('p'),
    plan: planOf(plan),
    engine: selected,
    onWarning: (message) => warnings.push(message),
  });
  return { tree, counts, warnings, read: (name) => readFileSync(tree.locate(`p/${name}`), 'latin1') };
}

const here = (test: TestContext) => temporaryFolder(test);

describe('relocateTree', () => {
  for (const engine of ['js', 'wasm'] as const) {
    it(`edits what is listed, and nothing else (${engine})`, (test) => {
      const elf = buildElf({
        rpath: `${OLD}/pkg-1/lib:${OLD}/dep-1/lib`,
        payload: Buffer.from(`\0${OLD}/pkg-1/x\0`),
      }).bytes;
      const text = `prefix=${OLD}/pkg-1\ndep=${OLD}/dep-1/lib\nroot=${OLD}\n`;
      const members = [
        file('text', text),
        file('other', text),
        file('tool', elf, 0o755),
        file('other-tool', elf, 0o755),
        symlink('link', `${OLD}/dep-1//x/../lib/`),
        symlink('other-link', `${OLD}/pkg-1`),
        symlink('inside', 'text'),
      ];
      const plan = { textFiles: ['text'], binaryFiles: ['tool'], linkFiles: ['link', 'inside'] };
      const { tree, counts, warnings, read } = relocate(here(test), members, plan, { engine });
      assert.deepEqual(counts, { text: 1, binaries: 1, rpaths: 1, cStrings: 1, links: 1 });
      assert.equal(read('text'), `prefix=${NEW}/pkg\ndep=${NEW}/dep/lib\nroot=${NEW}\n`);
      assert.equal(read('other'), text);
      assert.equal(read('other-tool'), Buffer.from(elf).toString('latin1'));
      const tool = readFileSync(tree.locate('p/tool'));
      assert.equal(
        Buffer.from(readElf(sourceOfBytes(tool))?.rpath?.value ?? []).toString(),
        `${NEW}/pkg/lib:${NEW}/dep/lib`,
      );
      assert.ok(tool.includes(`\0${NEW}/pkg/x\0`));
      assert.equal(tool.length, elf.length);
      assert.equal(readlinkSync(tree.locate('p/link')), `${NEW}/dep/lib`, 'what was replaced is normalized');
      assert.equal(readlinkSync(tree.locate('p/other-link')), `${OLD}/pkg-1`);
      assert.equal(readlinkSync(tree.locate('p/inside')), 'text');
      assert.deepEqual(warnings, []);
    });
  }

  for (const engine of ['js', 'wasm'] as const) {
    for (const isRecorded of [false, true]) {
      it(`resolves relative rpaths where the file was (${engine}, ${isRecorded ? 'hits known' : 'whole files'})`, (test) => {
        const members = [
          folder('lib'),
          file('lib/libsame.so', buildElf({ rpath: '$ORIGIN/../../dep-1/share:$ORIGIN/../lib/x' }).bytes),
          file('lib/libgrown.so', buildElf({ rpath: `${OLD}/x`, needed: [`${OLD}/l.so`] }).bytes),
        ];
        const plan = { relativeRpaths: true, binaryFiles: ['lib/libsame.so', 'lib/libgrown.so'] };
        const { read } = relocate(here(test), members, plan, { engine, isRecorded });
        const rpathOf = (name: string) => readElf(sourceOfBytes(Buffer.from(read(name), 'latin1')))?.rpath;
        // The names of the packages are others here: that of the dependency grows shorter, a path to the root longer.
        assert.equal(
          Buffer.from(rpathOf('lib/libsame.so')?.value ?? []).toString(),
          '$ORIGIN/../../dep/share:$ORIGIN/x',
        );
        assert.equal(Buffer.from(rpathOf('lib/libgrown.so')?.value ?? []).toString(), '$ORIGIN/../../x');
      });
    }
  }

  it('changes a hard link group once, and keeps it one', (test) => {
    const elf = buildElf({ rpath: `${OLD}/pkg-1/lib` }).bytes;
    const members = [
      file('a', `${OLD}/pkg-1\n`),
      hardlink('b', 'p/a'),
      file('tool', elf, 0o755),
      hardlink('twin', 'p/tool'),
    ];
    const plan = { textFiles: ['b', 'a'], binaryFiles: ['tool', 'twin'] };
    const { tree, counts, read } = relocate(here(test), members, plan);
    assert.deepEqual([counts.text, counts.binaries], [1, 1]);
    assert.equal(read('a'), `${NEW}/pkg\n`);
    for (const [one, two] of [
      ['a', 'b'],
      ['tool', 'twin'],
    ])
      assert.equal(lstatSync(tree.locate(`p/${one}`)).ino, lstatSync(tree.locate(`p/${two}`)).ino);
  });

  it('keeps modes and the times of what it does not change', (test) => {
    const members = [file('same', 'nothing\n', 0o4755), file('other', `${OLD}\n`, 0o4755)];
    const { tree } = relocate(here(test), members, { textFiles: ['same', 'other'] });
    assert.deepEqual(
      ['same', 'other'].map((name) => statSync(tree.locate(`p/${name}`)).mode & 0o7777),
      [0o4755, 0o4755],
    );
    assert.equal(statSync(tree.locate('p/same')).mtimeMs, 0);
    assert.ok(statSync(tree.locate('p/other')).mtimeMs > 0);
  });

  it('warns of a link that leads to an unknown place, in printable text', (test) => {
    const { warnings } = relocate(here(test), [symlink('l\x1b', '/else\x1b[2J/where')], {
      linkFiles: ['l\x1b'],
    });
    assert.deepEqual(warnings, [
      'The link "l\\x1b" leads to "/else\\x1b[2J/where", which is in no known prefix',
    ]);
  });

  it('leaves link targets unnormalized where the plan says so', (test) => {
    const plan = { linkFiles: ['l'], normalizeLinkTargets: false };
    const { tree } = relocate(here(test), [symlink('l', `${OLD}/dep-1//x/../lib/`)], plan);
    assert.equal(readlinkSync(tree.locate('p/l')), `${NEW}/dep//x/../lib/`);
  });

  it('takes names that are not UTF-8', (test) => {
    const { read } = relocate(here(test), [file('caf\xe9', OLD)], { textFiles: ['caf\xe9'] });
    assert.equal(read('caf\xe9'), NEW);
  });

  const refused: Readonly<Record<string, readonly [Partial<RelocationPlan>, string]>> = {
    'a text that is not there': [{ textFiles: ['nothing'] }, 'listed-file-missing'],
    'a text that is a directory': [{ textFiles: ['d'] }, 'listed-file-missing'],
    'a text that is a link': [{ textFiles: ['l'] }, 'listed-file-missing'],
    'a binary that is a link': [{ binaryFiles: ['l'] }, 'listed-file-missing'],
    'a link that is a file': [{ linkFiles: ['t'] }, 'listed-file-missing'],
    'a name that leads out': [{ textFiles: ['../p/t'] }, 'listed-file-missing'],
    'an absolute name': [{ textFiles: ['/etc/passwd'] }, 'listed-file-missing'],
    'an empty name': [{ textFiles: [''] }, 'listed-file-missing'],
    'a string that would have to grow': [
      { binaryFiles: ['tool'], binaryMapping: [[OLD, `${OLD}/longer`]] },
      'cannot-grow-rpath',
    ],
    'a string that cannot shrink by so little': [
      { binaryFiles: ['string'], binaryMapping: [[OLD, OLD.slice(0, -3)]] },
      'cannot-shrink-string',
    ],
  };
  for (const [name, [plan, code]] of Object.entries(refused)) {
    it(`refuses ${name}, and names it: ${code}`, (test) => {
      const members = [
        file('t', OLD),
        folder('d'),
        symlink('l', 't'),
        file('tool', buildElf({ rpath: `${OLD}/lib` }).bytes),
        file('string', `\x7fELF....\0${OLD}/a\0`),
      ];
      for (const options of [{}, { isRecorded: true }, { engine: 'wasm' as const }]) {
        assert.throws(
          () => relocate(mkdtempSync(join(here(test), 'x-')), members, plan, options),
          (error: unknown) => {
            assert.ok(error instanceof RelocationError);
            const listed = [
              ...(plan.textFiles ?? []),
              ...(plan.binaryFiles ?? []),
              ...(plan.linkFiles ?? []),
            ];
            return (
              error.code === code &&
              error.data.path === listed[0] &&
              error.message.startsWith('Cannot relocate')
            );
          },
        );
      }
    });
  }
});

const STRING = fc.constantFrom(
  OLD,
  `${OLD}/pkg-1`,
  `${OLD}/dep-1`,
  '/old/store',
  'x',
  '\0',
  '\0\0\0\0\0\0\0\0',
  '/lib',
  ':',
);
const BODY = fc.array(STRING, { maxLength: 40 }).map((parts) => parts.join(''));

describe('relocateTree with hits recorded on the way', () => {
  it('does what it does without', (test) => {
    const parent = here(test);
    let changed = 0;
    const shape = fc.record({
      bodies: fc.array(fc.tuple(fc.boolean(), BODY, fc.nat(3)), { minLength: 1, maxLength: 3 }),
      pieceSize: fc.integer({ min: 1, max: 300 }),
      engine: fc.constantFrom('js', 'wasm'),
    });
    fc.assert(
      fc.property(shape, ({ bodies, pieceSize, engine }) => {
        const members = bodies.map(([hasRpath, body, pages], i) =>
          file(
            `f${i}`,
            buildElf({
              ...(hasRpath ? { rpath: `${OLD}/pkg-1/lib:${OLD}/lib` } : {}),
              payload: Buffer.concat([Buffer.alloc(pages * 20_000), Buffer.from(`\0${body}\0`)]),
            }).bytes,
          ),
        );
        const plan = { binaryFiles: members.map(({ path }) => path) };
        const results = [false, true].map((isRecorded) => {
          const own = mkdtempSync(join(parent, 'p-'));
          try {
            const { counts, read } = relocate(own, members, plan, {
              isRecorded,
              pieceSize: pieceSize * 97,
              engine,
            });
            changed += counts.cStrings;
            return { counts, bodies: members.map(({ path }) => read(path)) };
          } catch (error) {
            if (!(error instanceof RelocationError)) throw error;
            return { code: error.code, data: error.data };
          } finally {
            rmSync(own, { recursive: true });
          }
        });
        assert.deepEqual(results[1], results[0]);
      }),
      { seed: 61, numRuns: 150 },
    );
    assert.ok(changed > 100, `${changed} strings were changed`);
  });
});
