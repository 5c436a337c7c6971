// The commands work on mirrors in buckets, with what mirrors.yaml says of them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FAKE_KEYS, FakeS3 } from '../../helpers/fake-s3.js';
import { resultOf, runHere, startProgram } from '../../helpers/program-run.js';
import { publishPlace } from '../../helpers/publish-place.js';

async function configured(t: TestContext, connection: string) {
  const place = await publishPlace(t);
  const fake = await FakeS3.start();
  t.after(() => fake.close());
  const root = join(place.folder, 'config', 'regraft');
  mkdirSync(root, { recursive: true });
  writeFileSync(
    join(root, 'mirrors.yaml'),
    `mirrors:\n  m:\n    url: s3://bucket/cache\n    signed: false\n    endpoint_url: ${fake.endpoint}\n${connection}`,
  );
  const environment = { AWS_EC2_METADATA_DISABLED: 'true', MY_SECRET: FAKE_KEYS.secret };
  const run = async (...args: string[]) => runHere(args, { folder: place.folder, environment });
  return { ...place, fake, run };
}

for (const pair of [
  `[${FAKE_KEYS.id}, ${FAKE_KEYS.secret}]`,
  `{id: ${FAKE_KEYS.id}, secret_variable: MY_SECRET}`,
])
  test(`install, push, index and list use access_pair: ${pair.slice(0, 4)}…`, async (t) => {
    const { run, cache, folder, fake } = await configured(t, `    access_pair: ${pair}\n`);
    const root = ['--root', join(folder, 'store')];
    const top = `/${cache.get('top').hash}`;
    const check = async (...args: string[]) => {
      const { exitCode, err, out } = await run(...args);
      assert.equal(exitCode, 0, `${args.join(' ')}: ${err}`);
      return out;
    };
    await check('install', top, '--no-check-signature', '-m', cache.folder, ...root);
    await check('push', top, '-m', 'm', '--unsigned', '--update-index', ...root);
    assert.ok(fake.objects.has('cache/build_cache/index.json'));
    await check('index', 'm');
    assert.match(await check('list', '-m', 'm'), /top/);
    await check('install', top, '-m', 'm', '--root', join(folder, 'other'));
  });

test('what is wrong with the connection of a mirror is told without its secrets', async (t) => {
  const { run } = await configured(t, '    access_pair: [OTHER-ID, OTHER-SECRET]\n');
  for (const args of [
    ['list', '-m', 'm'],
    ['index', 'm'],
  ]) {
    const { err, out } = await run(...args);
    assert.match(err + out, /InvalidAccessKeyId/);
    assert.doesNotMatch(err + out, /OTHER-/);
  }
});

test('an interrupted push leaves no parts of its uploads', async (t) => {
  const { run, cache, folder, fake } = await configured(
    t,
    `    access_pair: [${FAKE_KEYS.id}, ${FAKE_KEYS.secret}]\n`,
  );
  const root = join(folder, 'store');
  const base = `/${cache.get('base').hash}`;
  const installed = await run(
    'install',
    base,
    '--no-check-signature',
    '-m',
    cache.folder,
    '-r',
    root,
    '--json',
  );
  const { packages } = JSON.parse(installed.out) as { packages: { prefix: string }[] };
  writeFileSync(join(packages[0]?.prefix ?? '', 'large'), randomBytes(40 << 20));
  const environment = { AWS_EC2_METADATA_DISABLED: 'true' };
  const args = ['push', base, '-m', 'm', '--unsigned', '-r', root];
  const child = startProgram(args, { folder, environment });
  const later = { 'retry-after': '60' };
  // Once: several parts are on their way, and a second signal ends the program at once.
  const when = ({ query }: { query: URLSearchParams }) =>
    query.has('partNumber') && (child.killed || child.kill('SIGTERM'));
  fake.fail({ when, times: 99, status: 503, code: 'SlowDown', headers: later });
  const { exitCode, err } = await resultOf(child);
  assert.equal(exitCode, 130, err);
  assert.ok(fake.log.some((line) => line.includes('partNumber')));
  assert.equal(fake.uploads.size, 0);
});
