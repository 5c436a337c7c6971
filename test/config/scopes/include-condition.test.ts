import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { evaluateCondition } from '../../../src/config/scopes/include-condition.js';
import { UsageError } from '../../../src/core/errors.js';

const HOST: Readonly<Record<string, string>> = { platform: 'linux', os: 'debian12', target: 'icelake' };
const CONTEXT = { environment: { CI: '1', EMPTY: '', SITE: 'hpc' }, variable: (name: string) => HOST[name] };

function evaluate(text: string): boolean {
  return evaluateCondition({ text, file: '/f/include.yaml' }, CONTEXT);
}

const CASES: readonly (readonly [text: string, holds: boolean])[] = [
  ['True', true],
  ['False', false],
  ['None', false],
  ['"x"', true],
  ["''", false],
  ['platform == "linux"', true],
  ["platform!='linux'", false],
  ['os in "debian12 ubuntu22.04"', true],
  ['"deb" in os', true],
  ['"rhel" not in os', true],
  ['"CI" in env', true],
  ['"NOT_SET" in env', false],
  ['"SPACK_DISABLE_LOCAL_CONFIG" not in env', true],
  ['not "CI" in env', false],
  ['env["SITE"] == "hpc"', true],
  ['env.get("SITE") == "hpc"', true],
  ['env.get("NOT_SET")', false],
  ['env.get("NOT_SET", "hpc") == "hpc"', true],
  ['env.get("EMPTY", "x")', false],
  ['env', true],
  ['platform == "darwin" or target == "icelake"', true],
  ['platform == "linux" and os == "rhel8" or False', false],
  ['platform == "darwin" and (True or True)', false],
  ['(platform == "darwin" and True) or not (os == "rhel8")', true],
  ['not not True', true],
  [`hostname == '${hostname()}'`, true],
];

for (const [text, holds] of CASES)
  test(`evaluateCondition: ${text.replace(hostname(), '…')}`, () => assert.equal(evaluate(text), holds));

test('evaluateCondition refuses what only Spack can evaluate, naming it', () => {
  const texts = [
    ...[
      '',
      'platform ==',
      '(True',
      'True)',
      'x',
      'env["NOT_SET"]',
      'env.pop("CI")',
      'os.startswith("d")',
      '1 < 2',
      'True True',
    ],
    ...['re.match("a", os)', '"a" in None', 'env in os', '__import__("os")', '"a\\n" == os', 'arch == "x"'],
  ];
  for (const text of texts) {
    assert.throws(
      () => evaluate(text),
      (error) => error instanceof UsageError && error.code === 'config' && error.data.when === text,
      text,
    );
  }
});
