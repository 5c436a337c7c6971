import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenges } from '../../../../src/transport/oci/login/challenges.js';

const cases: [string, readonly string[], readonly (readonly [string, Record<string, string>])[]][] = [
  ['one', ['Basic realm="x"'], [['basic', { realm: 'x' }]]],
  ['without parameters', ['Negotiate'], [['negotiate', {}]]],
  [
    'a token with commas in it',
    ['Bearer realm="https://a/token",service="b, c",scope="repository:x:pull,push"'],
    [['bearer', { realm: 'https://a/token', service: 'b, c', scope: 'repository:x:pull,push' }]],
  ],
  [
    'several in one header',
    ['Basic realm=x, charset="UTF-8", bEaReR ReAlm = "y" , service=z'],
    [
      ['basic', { realm: 'x', charset: 'UTF-8' }],
      ['bearer', { realm: 'y', service: 'z' }],
    ],
  ],
  [
    'several headers',
    ['Negotiate', 'Bearer realm="y"'],
    [
      ['negotiate', {}],
      ['bearer', { realm: 'y' }],
    ],
  ],
  ['quotes in quotes', ['Basic realm="a \\"b\\" \\\\"'], [['basic', { realm: 'a "b" \\' }]]],
  ['a name twice: the first one counts', ['Basic realm=a, realm=b'], [['basic', { realm: 'a' }]]],
  [
    'a text that does not end',
    ['Basic realm="a'],
    [
      ['basic', {}],
      ['realm', {}],
    ],
  ],
  ['nothing', [], []],
  ['an empty header', [''], []],
  ['blanks and commas', [' , ,Basic'], [['basic', {}]]],
];

for (const [name, headers, expected] of cases)
  test(`challenges: ${name}`, () => {
    const found = parseChallenges(headers).map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    assert.deepEqual(found, expected);
  });

test('no header takes long', { timeout: 5000 }, () => {
  for (const piece of ['a="', 'a ', 'a=b ', ',', '"', 'a="\\', '= ']) parseChallenges([piece.repeat(20_000)]);
});
