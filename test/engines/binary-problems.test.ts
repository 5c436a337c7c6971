// The numbers for refusals of binaries stand in one list (src/relocation/engines/binary-problems.ts); the kernels name the same ones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  ELF_PROBLEMS,
  MACHO_FORMS,
  MACHO_REFUSALS,
  type Problem,
  REFUSED_PARTS,
  RPATH_TOO_LONG,
  SIGNATURE_PROBLEMS,
  STRING_REFUSALS,
  wordsFor,
} from '../../src/relocation/engines/binary-problems.js';

/** The constants of a file of kernels, in order. */
function constantsOf(file: string): [name: string, value: number][] {
  const text = readFileSync(`assembly/${file}.ts`, 'utf8');
  return [...text.matchAll(/^(?:export )?const (\w+): i32 = (-?\d+);/gm)].map(([, name = '', value]) => [
    name,
    Number(value),
  ]);
}

function numbered(problems: readonly Problem[]): [string, number][] {
  return problems.map(([name], i) => [name, i + 1]);
}

describe('the list of refusals', () => {
  it('is that of the kernels', () => {
    assert.deepEqual(constantsOf('binary/problems'), [
      ['NO_PROBLEM', 0],
      ...numbered(ELF_PROBLEMS),
      ...numbered(SIGNATURE_PROBLEMS),
    ]);
  });

  it('has what else kernels return, or say of a refusal', () => {
    const names = new Map([
      ...constantsOf('binary/macho-names'),
      ...constantsOf('binary/codesign'),
      ...constantsOf('binary/elf-patch'),
      ...constantsOf('cstring'),
    ]);
    for (const [name, value] of Object.entries({ ...MACHO_REFUSALS, ...REFUSED_PARTS, ...STRING_REFUSALS }))
      assert.equal(names.get(name), value, name);
  });

  it('names each refusal that the kernels use', () => {
    const used = new Set<string>();
    for (const file of [
      'codesign',
      'elf-grow',
      'elf-patch',
      'elf-place',
      'elf-rebuild',
      'elf-strings',
      'elf-tables',
    ])
      for (const [, name = ''] of readFileSync(`assembly/binary/${file}.ts`, 'utf8').matchAll(
        /\bproblem\.(\w+)/g,
      ))
        used.add(name);
    used.delete('NO_PROBLEM');
    const known = [...ELF_PROBLEMS, ...SIGNATURE_PROBLEMS].map(([name]) => name);
    assert.deepEqual([...used].sort(), known.sort());
  });

  it('has words for each number', () => {
    assert.equal(wordsFor(ELF_PROBLEMS, 1), 'its program headers have an unknown size');
    assert.ok(ELF_PROBLEMS.some(([name, words]) => name === 'RPATH_TOO_LONG' && words === RPATH_TOO_LONG));
    assert.equal(wordsFor(ELF_PROBLEMS, 99), 'of reason 99');
    const words = [...ELF_PROBLEMS, ...SIGNATURE_PROBLEMS].map(([, text]) => text);
    assert.equal(new Set([...words, ...MACHO_FORMS]).size, words.length + MACHO_FORMS.length);
  });
});
