import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Buildinfo } from '../../../src/buildcache/buildinfo/buildinfo.js';
import { type RelocationRules, rulesOfLayout } from '../../../src/buildcache/relocation-rules.js';
import { BuildcacheError } from '../../../src/core/errors.js';
import { makePlan, type PlanInput } from '../../../src/relocation/plan/plan.js';

const BUILDINFO: Buildinfo = {
  sbangInstallPath: '/build/opt/bin/sbang',
  buildpath: '/build/opt',
  spackprefix: '/build/spack',
  relativePrefix: 'arch/pkg-1-aaa',
  relocateTextfiles: ['bin/script', 'etc/conf~', 'etc/\xff'],
  relocateBinaries: ['lib/libx.so'],
  relocateLinks: ['lib/link'],
  hardlinksDeduped: true,
  relativeRpaths: false,
  hashToPrefix: new Map([
    ['aaa', '/build/opt/arch/pkg-1-aaa'],
    ['bbb', '/build/opt/arch/dep-2-bbb'],
    ['ccc', '/build/opt/arch/gone-3-ccc'],
  ]),
};

const INPUT: PlanInput = {
  buildinfo: BUILDINFO,
  newPrefix: '/new/opt/pkg',
  newLayoutRoot: '/new/opt',
  newSbangPath: '/new/bin/sbang',
  newSpackPrefix: '/build/spack',
  newPrefixes: [
    { hash: 'aaa', prefix: '/new/opt/pkg' },
    { hash: 'bbb', prefix: '/upstream/dep' },
    { hash: 'ddd', prefix: '/new/opt/other' },
  ],
  rules: rulesOfLayout(1),
};

function codeOf(change: Partial<Buildinfo>, input: Partial<PlanInput> = {}): string {
  try {
    makePlan({ ...INPUT, ...input, buildinfo: { ...BUILDINFO, ...change } });
    return 'none';
  } catch (error) {
    assert.ok(error instanceof BuildcacheError);
    return error.code;
  }
}

describe('makePlan', () => {
  it('maps in the order of the reference: sbang, hashes, own prefix, root, old sbang line', () => {
    const plan = makePlan(INPUT);
    const both = [
      ['/build/opt/arch/pkg-1-aaa', '/new/opt/pkg'],
      ['/build/opt/arch/dep-2-bbb', '/upstream/dep'],
      ['/build/opt', '/new/opt'],
    ];
    assert.deepEqual(plan.binaryMapping, both);
    assert.deepEqual(plan.textMapping, [
      ['/build/opt/bin/sbang', '/new/bin/sbang'],
      ...both,
      ['#!/bin/bash /build/spack/bin/sbang', '#!/bin/sh /new/bin/sbang'],
    ]);
  });

  it('lists the files of the buildinfo, without backup files', () => {
    const plan = makePlan(INPUT);
    assert.equal(plan.kind, 'full');
    assert.deepEqual(plan.textFiles, ['bin/script', 'etc/\xff']);
    assert.deepEqual(plan.binaryFiles, ['lib/libx.so']);
    assert.deepEqual(plan.linkFiles, ['lib/link']);
    assert.equal(plan.oldPrefix, '/build/opt/arch/pkg-1-aaa');
    assert.equal(plan.newPrefix, '/new/opt/pkg');
  });

  it('keeps identities in the mappings, and the place of a key that is set again', () => {
    const plan = makePlan({
      ...INPUT,
      newPrefixes: [
        { hash: 'bbb', prefix: '/build/opt/arch/dep-2-bbb' },
        { hash: 'aaa', prefix: '/somewhere/else' },
      ],
    });
    assert.deepEqual(plan.binaryMapping, [
      ['/build/opt/arch/dep-2-bbb', '/build/opt/arch/dep-2-bbb'],
      ['/build/opt/arch/pkg-1-aaa', '/new/opt/pkg'],
      ['/build/opt', '/new/opt'],
    ]);
  });

  it('does nothing when the prefix stays, but the text pass when Spack moved', () => {
    const same: PlanInput = {
      ...INPUT,
      newPrefix: '/build/opt/arch/pkg-1-aaa',
      newLayoutRoot: '/build/opt',
    };
    const plan = makePlan(same);
    assert.equal(plan.kind, 'none');
    assert.deepEqual([...plan.textFiles, ...plan.binaryFiles, ...plan.linkFiles], []);
    assert.equal(makePlan({ ...same, newSpackPrefix: undefined }).kind, 'none');
    const moved = makePlan({ ...same, newSpackPrefix: '/other/spack' });
    assert.equal(moved.kind, 'text-only');
    assert.deepEqual(moved.textFiles, ['bin/script', 'etc/\xff']);
    assert.deepEqual([...moved.binaryFiles, ...moved.linkFiles], []);
  });

  it('rewrites interpreters from layout 2 on', () => {
    const rewrites = [0, 1, 2, 3].map(
      (layout) => makePlan({ ...INPUT, rules: rulesOfLayout(layout) }).rewriteInterpreter,
    );
    assert.deepEqual(rewrites, [false, false, true, true]);
  });

  it('goes by the rules of Spack 1.x where it is told', () => {
    const withRules = (rules: Partial<RelocationRules>, changes: Partial<PlanInput> = {}) =>
      makePlan({ ...INPUT, ...changes, rules: { ...INPUT.rules, ...rules } });
    assert.deepEqual(withRules({ relocateBackupFiles: true }).textFiles, BUILDINFO.relocateTextfiles);
    assert.deepEqual(
      [false, true].map((normalizeLinkTargets) => withRules({ normalizeLinkTargets }).normalizeLinkTargets),
      [false, true],
    );
    const one = withRules(
      { sbangInAllMappings: true },
      {
        newPrefixes: [
          { hash: 'bbb', prefix: '/upstream/dep' },
          { hash: 'ccc', prefix: '/build/opt/arch/gone-3-ccc' },
          { hash: 'aaa', prefix: '/new/opt/pkg' },
        ],
      },
    );
    assert.deepEqual(one.textMapping, [
      ['/build/opt/bin/sbang', '/new/bin/sbang'],
      ['/build/opt/arch/dep-2-bbb', '/upstream/dep'],
      ['/build/opt/arch/pkg-1-aaa', '/new/opt/pkg'],
      ['/build/opt', '/new/opt'],
    ]);
    assert.deepEqual(one.binaryMapping, one.textMapping);
    assert.deepEqual(one.cStringMapping, one.textMapping);
    const unlisted = withRules({ sbangInAllMappings: true }, { newPrefixes: [] });
    assert.deepEqual(
      unlisted.textMapping.map(([from]) => from),
      ['/build/opt/bin/sbang', '/build/opt'],
      'the own prefix has no entry besides that of its hash',
    );
  });

  it('needs the same path below the root where the buildinfo has no hashes', () => {
    const old = { hashToPrefix: new Map<string, string>() };
    assert.equal(codeOf(old), 'old-layout');
    assert.equal(codeOf(old, { newPrefix: '/new/opt/arch/pkg-1-aaa' }), 'none');
  });

  it('leaves out what an old buildinfo does not say', () => {
    const buildinfo = { ...BUILDINFO, sbangInstallPath: undefined, spackprefix: undefined };
    const plan = makePlan({ ...INPUT, buildinfo });
    assert.deepEqual(plan.textMapping, plan.binaryMapping);
  });

  it('takes a root that ends in a slash, as padding may leave it', () => {
    const plan = makePlan({ ...INPUT, buildinfo: { ...BUILDINFO, buildpath: '/build/opt/' } });
    assert.equal(plan.oldPrefix, '/build/opt/arch/pkg-1-aaa');
  });

  it('refuses prefixes that are no absolute paths', () => {
    for (const path of ['', 'relative', '/a\nb', '/a\0b', `/${'x'.repeat(5000)}`]) {
      assert.equal(codeOf({ buildpath: path }), 'buildinfo-invalid');
      assert.equal(codeOf({ spackprefix: path }), 'buildinfo-invalid');
      assert.equal(codeOf({ hashToPrefix: new Map([['bbb', path]]) }), 'buildinfo-invalid');
    }
    assert.equal(codeOf({ relativePrefix: undefined }), 'buildinfo-invalid');
  });
});
