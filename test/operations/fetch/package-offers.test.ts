import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetadataError, MirrorError, SignatureError } from '../../../src/core/errors.js';
import type { BuildCache, MetadataKind, Mirror, Trust } from '../../../src/mirror/build-cache.js';
import { type OffersRequest, packageOffers } from '../../../src/operations/fetch/package-offers.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { node4, spec4 } from '../../spec/spec-samples.js';

const spec = spec4(node4('x', 'a'));
const keyring = await Keyring.load({});

interface Asked {
  readonly what: string;
  readonly trust: Trust;
}

/** A mirror that has metadata of some kinds, or fails; `asked` lists the questions in order over all mirrors. */
function fake(
  name: string,
  answers: Readonly<Partial<Record<MetadataKind, Error | 'there'>>>,
  asked: Asked[] = [],
): Mirror {
  const describe: BuildCache['describe'] = async (_, kind, { trust }) => {
    const what = `${name} ${kind}`;
    asked.push({ what, trust });
    const answer = answers[kind];
    if (answer instanceof Error) throw answer;
    if (answer === undefined) return { absence: new MirrorError('mirror-not-found', `no ${what}`) };
    return { location: what } as Awaited<ReturnType<BuildCache['describe']>>;
  };
  return { cache: { name, url: name, describe } as unknown as BuildCache, requiresSignature: true };
}

async function all(request: Partial<OffersRequest> & Pick<OffersRequest, 'mirrors'>): Promise<string[]> {
  const found: string[] = [];
  for await (const offer of packageOffers({ spec, named: [], keyring, checkSignature: true, ...request }))
    found.push(
      'refusal' in offer ? `${offer.refusal.message}: ${offer.refusal.code}` : offer.description.location,
    );
  return found;
}

test('packageOffers: named mirrors first, signed on all before unsigned on any', async () => {
  const asked: Asked[] = [];
  const both = { signed: 'there', unsigned: 'there' } as const;
  const [a, b, c] = ['a', 'b', 'c'].map((name) => fake(name, both, asked)) as [Mirror, Mirror, Mirror];
  const found = await all({ mirrors: [a, b, c], named: [c] });
  assert.deepEqual(found, ['c signed', 'a signed', 'b signed', 'c unsigned', 'a unsigned', 'b unsigned']);
  assert.deepEqual(
    asked.map(({ what }) => what),
    found,
  );
});

test('packageOffers asks a mirror only when it is wanted', async () => {
  const asked: Asked[] = [];
  const mirrors = ['a', 'b'].map((name) => fake(name, { signed: 'there' }, asked));
  for await (const offer of packageOffers({ spec, mirrors, named: [], keyring, checkSignature: true })) {
    assert.ok(!('refusal' in offer));
    assert.equal(offer.mirror, mirrors[0]);
    break;
  }
  assert.deepEqual(
    asked.map(({ what }) => what),
    ['a signed'],
  );
});

test('packageOffers asks for signatures where the mirror requires them, unless nobody wants them checked', async () => {
  const asked: Asked[] = [];
  const strict = fake('strict', { signed: 'there' }, asked);
  const lax = { ...fake('lax', { signed: 'there' }, asked), requiresSignature: false };
  await all({ mirrors: [strict, lax] });
  await all({ mirrors: [strict], checkSignature: false });
  assert.deepEqual(
    asked.map(({ what, trust }) => [what, trust.isRequired]),
    [
      ['strict signed', true],
      ['lax signed', false],
      ['strict unsigned', true],
      ['lax unsigned', false],
      ['strict signed', false],
      ['strict unsigned', false],
    ],
  );
});

test('packageOffers tells what is missing only when nothing was found', async () => {
  assert.deepEqual(await all({ mirrors: [fake('a', {}), fake('b', { unsigned: 'there' })] }), ['b unsigned']);
  assert.deepEqual(await all({ mirrors: [fake('a', {})] }), [
    'no a signed: mirror-not-found',
    'no a unsigned: mirror-not-found',
  ]);
  const unusable = new SignatureError('signature-missing', 'not signed');
  assert.deepEqual(await all({ mirrors: [fake('a', { unsigned: unusable })] }), [
    'not signed: signature-missing',
  ]);
});

test('packageOffers reports failures in their place, and leaves a dead mirror alone', async () => {
  const asked: Asked[] = [];
  const dead = fake('dead', { signed: new MirrorError('mirror-unreachable', 'dead') }, asked);
  const odd = fake('odd', { signed: new MirrorError('mirror-http-status', 'odd'), unsigned: 'there' }, asked);
  const found = await all({ mirrors: [dead, odd] });
  assert.deepEqual(found, ['dead: mirror-unreachable', 'odd: mirror-http-status', 'odd unsigned']);
  assert.ok(!asked.some(({ what }) => what === 'dead unsigned'));
});

test('packageOffers: metadata that could not be read does not hide that others are missing', async () => {
  const unread = [
    new MirrorError('mirror-http-status', 'odd'),
    new MetadataError('metadata-too-large', 'odd'),
  ] as const;
  for (const error of unread) {
    const found = await all({ mirrors: [fake('a', { signed: error })] });
    assert.deepEqual(found, [`odd: ${error.code}`, 'no a unsigned: mirror-not-found']);
  }
});

test('packageOffers passes an aborted signal and programming errors through', async () => {
  const reason = new Error('enough');
  const bug = new TypeError('bug');
  const mirrors = [fake('a', { signed: bug })];
  await assert.rejects(all({ mirrors, signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(all({ mirrors }), bug);
});
