// Relative rpaths: against what Spack's functions did (test/vectors/make-relative-vectors.py), and what those do not cover.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromLatin1, toLatin1 } from '../../../src/core/bytes.js';
import type { FileOrigin } from '../../../src/relocation/engine.js';
import {
  mapRelativeIdentity,
  mapRelativeName,
  mapRelativeRpath,
  originOf,
} from '../../../src/relocation/names/relative-rpath.js';
import type { RelocationPlan } from '../../../src/relocation/plan/plan.js';
import { encodeMapping } from '../../../src/relocation/prefixes/prefix-map.js';
import { decodeMapping, type EncodedMapping, loadVectors } from '../../helpers/vectors.js';

interface Head {
  readonly mapping: EncodedMapping;
  readonly oldPrefix: string;
  readonly newPrefix: string;
  readonly newLayoutRoot: string;
}

type Case =
  | {
      readonly kind: 'elf';
      readonly folder: string;
      readonly rpath: string;
      /** Null: Spack leaves the file. */
      readonly result: string | null;
    }
  | { readonly kind: 'mach-o'; readonly folder: string; readonly name: string; readonly result: string };

const [HEAD, ...CASES] = loadVectors<unknown>('relative.json') as unknown as readonly [Head, ...Case[]];
const MAPPING = decodeMapping(HEAD.mapping);

function planOf(places: Omit<Head, 'mapping'>): RelocationPlan {
  return {
    kind: 'full',
    ...places,
    textMapping: [],
    binaryMapping: [],
    cStringMapping: [],
    aliasRoot: undefined,
    textFiles: [],
    binaryFiles: [],
    linkFiles: [],
    rewriteInterpreter: false,
    normalizeLinkTargets: true,
    relativeRpaths: true,
  };
}

function originIn(folder: string, places: Omit<Head, 'mapping'> = HEAD): FileOrigin {
  const origin = originOf(planOf(places), folder === '' ? 'file' : `${folder}/file`);
  assert.ok(origin);
  return origin;
}

const PLACES = { oldPrefix: '/old/pkg', newPrefix: '/new/store/pkg', newLayoutRoot: '/new/store' };
const PAIRS = encodeMapping([
  ['/old/dep', '/upstream/dep'],
  ['/old/pkg', '/new/store/pkg'],
  ['/old', '/new/store'],
]);

function rpathOf(rpath: string): string | undefined {
  const value = mapRelativeRpath(Buffer.from(rpath), PAIRS, originIn('lib', PLACES));
  return value && toLatin1(value);
}

describe('mapRelativeRpath', () => {
  it(`does what Spack does (${CASES.filter(({ kind }) => kind === 'elf').length} vectors)`, () => {
    for (const each of CASES) {
      if (each.kind !== 'elf') continue;
      const value = mapRelativeRpath(fromLatin1(each.rpath), MAPPING, originIn(each.folder));
      assert.equal(value === undefined ? null : toLatin1(value), each.result, JSON.stringify(each));
    }
  });

  it('takes both spellings of the token, and only a whole one', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the loader's syntax
    assert.equal(rpathOf('${ORIGIN}/../share'), '$ORIGIN/../share');
    assert.equal(rpathOf('$ORIGINAL/../share'), undefined);
  });

  it('makes relative what lies below the new root, and leaves what lies elsewhere absolute', () => {
    assert.equal(rpathOf('/old/other/lib:/old/dep/lib'), '$ORIGIN/../../other/lib:/upstream/dep/lib');
    assert.equal(rpathOf('$ORIGIN/../../dep/lib'), '/upstream/dep/lib', 'a dependency may be upstream now');
  });

  it('names a place that several entries lead to once', () => {
    assert.equal(rpathOf('$ORIGIN/../x:/old/pkg/x:$ORIGIN/../lib/../x'), '$ORIGIN/../x');
  });

  it('drops empty entries only where something changes', () => {
    assert.equal(rpathOf(':/old/pkg/x::'), '$ORIGIN/../x');
    assert.equal(rpathOf(':$ORIGIN/../x::/usr/lib'), undefined);
  });
});

describe('mapRelativeName', () => {
  it(`does what Spack does (${CASES.filter(({ kind }) => kind === 'mach-o').length} vectors)`, () => {
    for (const each of CASES) {
      if (each.kind !== 'mach-o') continue;
      const value = mapRelativeName(fromLatin1(each.name), MAPPING, originIn(each.folder));
      assert.equal(toLatin1(value), each.result, JSON.stringify(each));
    }
  });
});

describe('mapRelativeIdentity', () => {
  const identityOf = (name: string) => {
    const value = mapRelativeIdentity(Buffer.from(name), PAIRS, originIn('lib', PLACES));
    return value && toLatin1(value);
  };

  it('finds a library below the new root by rpath, under its own name', () => {
    assert.equal(identityOf('/old/pkg/lib/libx.1.dylib'), '@rpath/libx.1.dylib');
    assert.equal(identityOf('/old/dep/lib/liby.dylib'), '/upstream/dep/lib/liby.dylib');
    assert.equal(identityOf('@rpath/libx.1.dylib'), undefined);
    assert.equal(identityOf('/usr/lib/libz.dylib'), undefined);
  });
});

describe('originOf', () => {
  it('is where the file was and will be, for plans with relative rpaths', () => {
    assert.equal(originOf({ ...planOf(PLACES), relativeRpaths: false }, 'lib/libx.so'), undefined);
    const places = (name: string) => {
      const origin = originOf(planOf(PLACES), name);
      return origin && [origin.old, origin.new, origin.root].map(toLatin1);
    };
    assert.deepEqual(places('a/b/libx.so'), ['/old/pkg/a/b', '/new/store/pkg/a/b', '/new/store']);
    assert.deepEqual(places('run'), ['/old/pkg', '/new/store/pkg', '/new/store']);
  });
});
