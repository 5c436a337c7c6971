// Hostile specfiles: each ends in a spec or in a MetadataError that names the fact.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MetadataError } from '../../src/core/errors.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import { writeNode } from '../../src/spec/json/write-node.js';
import type { JsonObject, JsonValue } from '../../src/spec/spec.js';
import { allNodes, hashToPrefixOrder, installOrder } from '../../src/spec/traverse.js';
import { dictionary, hashOf, link, node4, node5 } from './spec-samples.js';

function refusal(json: JsonValue): MetadataError {
  try {
    parseSpecDictionary(json, 'evil.spec.json');
  } catch (error) {
    assert.ok(error instanceof MetadataError, String(error));
    return error;
  }
  throw new Error('it was accepted');
}

const good = node4('x', 'a');
const withEdge = (more: JsonObject): JsonObject => ({
  ...good,
  dependencies: [{ ...link('y', 'b'), ...more }] as JsonValue,
});

const cases: [string, JsonValue, RegExp][] = [
  ['no object', 'spec', /the document is a text, not an object/],
  ['no spec', {}, /"spec" is missing/],
  ['no nodes', dictionary(4, []), /"spec" is an object, not a spec with at least one node/],
  ['no list', { spec: { _meta: { version: 4 }, nodes: {} } }, /"spec\.nodes" is an object, not a list/],
  ['no version', { spec: { nodes: [good] } }, /"spec\._meta" is missing/],
  ['version 1 as an object', { spec: { _meta: { version: 1 }, nodes: [good] } }, /"spec"/],
  [
    'a version that is a text',
    { spec: { _meta: { version: '4' }, nodes: [good] } },
    /"spec\._meta\.version" is "4"/,
  ],
  ['a node that is null', dictionary(4, [null]), /"spec\.nodes\[0\]" is null/],
  ['a name that is a number', dictionary(4, [{ ...good, name: 7 }]), /"spec\.nodes\[0\]\.name" is 7/],
  ['a name that is a path', dictionary(4, [{ ...good, name: '../x' }]), /name" is "\.\.\/x"/],
  ['a name with an escape', dictionary(4, [{ ...good, version: '\u001b[2J' }]), /control characters/],
  ['a short hash', dictionary(4, [{ ...good, hash: 'abc' }]), /"spec\.nodes\[0\]\.hash" is "abc"/],
  ['no architecture', dictionary(4, [{ ...good, arch: null }]), /"spec\.nodes\[0\]\.arch" is null/],
  [
    'a target without a name',
    dictionary(4, [{ ...good, arch: { platform: 'l', platform_os: 'o', target: {} } }]),
    /target\.name/,
  ],
  [
    'parameters in a list',
    dictionary(4, [{ ...good, parameters: [] }]),
    /"spec\.nodes\[0\]\.parameters" is a list/,
  ],
  [
    'a parameter in an object',
    dictionary(4, [{ ...good, parameters: { a: {} } }]),
    /"spec\.nodes\[0\]\.parameters\.a"/,
  ],
  ['an abstract spec', dictionary(4, [{ ...good, concrete: false }]), /abstract/],
  ['dependencies in an object', dictionary(4, [{ ...good, dependencies: {} }]), /dependencies" is an object/],
  [
    'an edge without parameters',
    dictionary(4, [withEdge({ hash: hashOf('b') })]),
    /dependencies\[0\]\.parameters" is missing/,
  ],
  ['two nodes with one hash', dictionary(4, [good, node4('y', 'a')]), /two nodes are called/],
  ['a dependency that is missing', dictionary(4, [node4('x', 'a', [link('y', 'b')])]), /"y\/bbbb/],
  [
    'a dependency of another name',
    dictionary(4, [node4('x', 'a', [link('y', 'b')]), node4('z', 'b')]),
    /called "z"/,
  ],
  ['a node below itself', dictionary(4, [node4('x', 'a', [link('x', 'a')])]), /"x" depends on itself/],
  [
    'a cycle',
    dictionary(4, [
      node4('x', 'a', [link('y', 'b')]),
      node4('y', 'b', [link('z', 'c')]),
      node4('z', 'c', [link('y', 'b')]),
    ]),
    /"y" depends on itself/,
  ],
  [
    'a build spec that is missing',
    dictionary(4, [{ ...good, build_spec: { name: 'x', hash: hashOf('b') } }]),
    /"bbbb/,
  ],
  [
    'an unknown type of edge',
    dictionary(4, [node4('x', 'a', [{ name: 'y', hash: 'b', types: ['love'] }])]),
    /deptypes\[0\]" is "love"/,
  ],
  [
    'version 1 with two keys',
    dictionary(1, [{ a: good, b: good }]),
    /"spec\[0\]" is an object, not an object with one key/,
  ],
  ['version 1 with an empty object', dictionary(1, [{}]), /one key/],
  [
    'version 2 without any hash',
    dictionary(2, [{ ...good, dependencies: [{ name: 'y', type: ['link'] }] }]),
    /an object with a hash/,
  ],
];

for (const [name, json, message] of cases) {
  test(`parseSpecDictionary refuses ${name}`, () => {
    const error = refusal(json);
    assert.equal(error.code, 'metadata-invalid');
    assert.match(error.message, message);
    assert.match(error.message, /evil\.spec\.json/);
  });
}

test('parseSpecDictionary refuses a version that is newer than the known ones', () => {
  const error = refusal(dictionary(6, [good]));
  assert.equal(error.code, 'specfile-version-unsupported');
  assert.deepEqual([error.data.actual, error.data.supported], [6, 5]);
});

test('parseSpecDictionary takes names of object methods as names', () => {
  const json = JSON.parse(
    JSON.stringify(
      dictionary(4, [node4('__proto__', 'a', [link('constructor', 'b')]), node4('constructor', 'b')]),
    ),
  ) as JsonValue;
  const spec = parseSpecDictionary(json, 'x');
  assert.deepEqual(
    installOrder(spec).map(({ name }) => name),
    ['constructor', '__proto__'],
  );
  const one = writeNode(spec.root, 1);
  assert.deepEqual(Object.keys(one), ['__proto__']);
  const polluted = JSON.parse(
    `{"spec":{"_meta":{"version":4},"nodes":[{"__proto__":${JSON.stringify(good)}}]}}`,
  ) as JsonValue;
  assert.match(refusal(polluted).message, /"spec\.nodes\[0\]\.name" is missing/);
});

test('parseSpecDictionary refuses deep nesting, but not a long chain of nodes', () => {
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as JsonValue;
  assert.match(refusal(dictionary(4, [{ ...good, external: deep }])).message, /nested too deeply/);
  const digits = 'abcdefghijklmnopqrstuvwxyz234567';
  const name = (i: number): string =>
    [...i.toString(32)]
      .map((digit) => digits[Number.parseInt(digit, 32)])
      .join('')
      .padStart(32, 'a');
  const length = 20_000;
  const chain = Array.from({ length }, (_, i) => ({
    ...node4('x', 'a'),
    hash: name(i),
    dependencies:
      i + 1 < length
        ? [{ name: 'x', hash: name(i + 1), parameters: { deptypes: ['link'], virtuals: [] } }]
        : [],
  }));
  const spec = parseSpecDictionary(dictionary(4, chain), 'chain');
  for (const order of [installOrder, hashToPrefixOrder, allNodes]) assert.equal(order(spec).length, length);
  assert.equal(installOrder(spec)[0]?.hash, name(length - 1));
});

/** Every place in a document, as a path of keys. */
function placesOf(json: JsonValue, above: readonly string[] = []): string[][] {
  const here = [[...above]];
  if (typeof json !== 'object' || json === null) return here;
  return here.concat(
    Object.entries(json).flatMap(([key, value]) => placesOf(value as JsonValue, [...above, key])),
  );
}

function replaceAt(json: JsonValue, place: readonly string[], value: JsonValue): JsonValue {
  const [key, ...rest] = place;
  if (key === undefined || typeof json !== 'object' || json === null) return value;
  if (Array.isArray(json))
    return json.map((item: JsonValue, i) => (String(i) === key ? replaceAt(item, rest, value) : item));
  const object = json as JsonObject;
  return { ...object, [key]: replaceAt(object[key] ?? null, rest, value) };
}

test('any change of a good specfile gives a spec or a MetadataError', () => {
  const samples: JsonValue[] = [
    dictionary(4, [node4('x', 'a', [link('y', 'b')]), node4('y', 'b')]),
    dictionary(5, [
      node5('x', 'a', [{ name: 'y', hash: 'b', types: ['build'], virtuals: ['c'] }]),
      node5('y', 'b'),
    ]),
    dictionary(3, [
      { ...good, dependencies: [{ name: 'y', hash: hashOf('b'), type: ['run'] }] },
      node4('y', 'b'),
    ]),
    dictionary(2, [
      {
        ...good,
        dependencies: [{ name: 'y', full_hash: hashOf('b'), type: ['run'] }],
        full_hash: hashOf('c'),
      },
      { ...node4('y', 'd'), full_hash: hashOf('b') },
    ]),
    dictionary(1, [
      { x: { ...good, dependencies: { y: { hash: hashOf('b'), type: ['link'] } } } },
      { y: node4('y', 'b') },
    ]),
  ];
  for (const sample of samples) parseSpecDictionary(sample, 'good');
  const arbitrary = fc.constantFrom(...samples).chain((sample) =>
    fc.record({
      sample: fc.constant(sample),
      place: fc.constantFrom(...placesOf(sample)),
      value: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(arbitrary, ({ sample, place, value }) => {
      try {
        const spec = parseSpecDictionary(replaceAt(sample, place, value as JsonValue), 'changed');
        for (const node of allNodes(spec))
          for (const version of [1, 3, 4, 5] as const) writeNode(node, version);
        installOrder(spec);
        hashToPrefixOrder(spec);
      } catch (error) {
        assert.ok(error instanceof MetadataError, String(error));
      }
    }),
    { seed: 20240115, numRuns: 1500 },
  );
});
