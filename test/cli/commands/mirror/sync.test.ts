import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { checkCode, publishPlace } from '../../../helpers/publish-place.js';

interface Synced {
  readonly name: string;
  readonly outcome: string;
  readonly moved: number;
  readonly there: number;
  readonly anew?: { readonly isSigned: boolean };
  readonly error?: { readonly code: string };
}

/** A classic mirror with `top` and its dependency `base`. */
async function place(test: TestContext, signed = true) {
  const here = await publishPlace(test, signed);
  const keyring = join(here.folder, 'public.asc');
  writeFileSync(keyring, here.key.toPublic().armor());
  const { folder: source } = here.cache;
  const target = join(here.folder, 'target');
  const sync = (...args: readonly string[]) =>
    here.run('mirror', 'sync', ...args, '--keyring', keyring, '--json');
  const isClean = async (mirror: string, ...more: readonly string[]) => {
    const { exitCode, out, err } = await here.run(
      ...['mirror', 'check', mirror, '--deep', '--keyring', keyring],
      ...more,
    );
    assert.equal(exitCode, 0, out + err);
  };
  return { ...here, keyring, source, target, sync, isClean };
}

function outcomesOf(out: string): string[] {
  return (JSON.parse(out).packages as Synced[]).map(({ name, outcome }) => `${name} ${outcome}`);
}

describe('regraft mirror sync', () => {
  it('copies everything once, with a line for each, and tells what it moved', async (test) => {
    const { source, target, keyring, run, sync, isClean } = await place(test);
    const { out, exitCode } = await run('mirror', 'sync', source, target, '--keyring', keyring);
    assert.equal(exitCode, 0);
    assert.match(out, /^copied {8}base@\S+ {2}\S+ k?B$/m);
    assert.match(out, /^2 copied, .*B moved, in .*, to file:.*target$/m);
    await isClean(target);
    const second = JSON.parse((await sync(source, target)).out);
    assert.deepEqual([second.moved, second.there > 0], [0, true]);
    assert.ok(second.packages.every(({ outcome }: Synced) => outcome === 'already-there'));
  });

  it('copies what is named, with what it needs', async (test) => {
    const { source, folder, sync, isClean } = await place(test);
    for (const [spec, wanted] of [
      ['base', ['base copied']],
      ['top', ['base copied', 'top copied']],
    ] as const) {
      const target = join(folder, spec);
      const { out } = await sync(source, target, spec);
      assert.deepEqual(outcomesOf(out), wanted);
      await isClean(target);
    }
    checkCode(await sync(source, join(folder, 'none'), 'nothing'), 3, 'spec-not-found');
    assert.ok(!existsSync(join(folder, 'none')));
  });

  it('only tells what it would copy in a dry run', async (test) => {
    const { source, target, sync } = await place(test);
    const { out, exitCode } = await sync(source, target, '-n');
    assert.equal(exitCode, 0);
    assert.deepEqual(outcomesOf(out), ['base would-copy', 'top would-copy']);
    assert.ok(!existsSync(target));
    const copied = JSON.parse((await sync(source, target)).out);
    assert.equal(JSON.parse(out).moved, copied.moved);
  });

  it('writes an archive, which is a mirror', async (test) => {
    const { source, folder, sync, run, isClean, keyring } = await place(test);
    const archive = join(folder, 'cache.tar');
    const { out, exitCode } = await sync(source, '--archive', archive, 'top');
    assert.equal(exitCode, 0, out);
    await isClean(archive);
    const again = await sync(source, '--archive', archive);
    assert.equal(JSON.parse(again.out).moved, 0);
    const unpacked = join(folder, 'unpacked');
    assert.equal((await sync(archive, unpacked)).exitCode, 0);
    await isClean(unpacked);
    const root = ['--root', join(folder, 'store')];
    const installed = await run('install', 'top', '-m', archive, '--keyring', keyring, ...root);
    assert.equal(installed.exitCode, 0, installed.err);
    await sync(source, '--archive', join(folder, 'dry.tar'), '-n');
    assert.ok(!existsSync(join(folder, 'dry.tar')));
  });

  it('verifies signatures, unless it is told not to', async (test) => {
    const { source, target, sync, isClean } = await place(test, false);
    const refused = await sync(source, target);
    assert.deepEqual(outcomesOf(refused.out), ['base failed', 'top failed']);
    checkCode(refused, 4, 'signature-missing');
    assert.ok(!existsSync(target));
    const { exitCode } = await sync(source, target, '--no-check-signature');
    assert.equal(exitCode, 0);
    await isClean(target, '--no-check-signature');
  });

  it('in another layout signs what was verified anew, and publishes the rest only if that is wanted', async (test) => {
    const { source, folder, sync, keyFile, isClean } = await place(test);
    const signed = join(folder, 'signed');
    const { out } = await sync(source, signed, '--layout', '3', '--key', keyFile);
    assert.ok(JSON.parse(out).packages.every(({ anew }: Synced) => anew?.isSigned));
    await isClean(signed);
    const other = join(folder, 'other');
    checkCode(await sync(source, other, '--layout', '3'), 2, 'key-missing');
    const unchecked = ['--layout', '3', '--no-check-signature'];
    checkCode(await sync(source, other, ...unchecked, '--key', keyFile), 4, 'signature-missing');
    assert.ok(!existsSync(other));
    const unsigned = JSON.parse((await sync(source, other, ...unchecked, '--unsigned')).out);
    assert.ok(unsigned.packages.every(({ anew }: Synced) => anew?.isSigned === false));
    await isClean(other, '--no-check-signature');
  });

  it('publishes in the layout that is there', async (test) => {
    const { source, target, sync, keyFile } = await place(test);
    await sync(source, target, 'base', '--layout', '3', '--key', keyFile);
    const { out } = await sync(source, target, '--key', keyFile);
    assert.deepEqual(outcomesOf(out), ['base already-there', 'top copied']);
    assert.ok(!existsSync(join(target, 'build_cache')));
  });

  it('tells of a damaged package, and copies the others', async (test) => {
    const { source, target, cache, sync, isClean } = await place(test);
    writeFileSync(join(source, cache.get('top').tarball), 'damaged');
    const failed = await sync(source, target);
    assert.deepEqual(outcomesOf(failed.out), ['base copied', 'top failed']);
    checkCode(failed, 4, 'checksum-mismatch');
    assert.ok(!existsSync(join(target, cache.get('top').tarball)));
    await isClean(target);
  });

  it('replaces what differs', async (test) => {
    const { source, target, cache, sync, isClean } = await place(test);
    await sync(source, target);
    const { tarball } = cache.get('top');
    writeFileSync(join(target, tarball), 'cut off');
    const { out } = await sync(source, target);
    assert.deepEqual(outcomesOf(out), ['base already-there', 'top copied']);
    assert.deepEqual(readFileSync(join(target, tarball)), readFileSync(join(source, tarball)));
    await isClean(target);
  });

  it('copies keys and views, and adds to those that are there', async (test) => {
    const { source, folder, keyFile, keyring, sync, run, isClean, fingerprint } = await place(test);
    const from = join(folder, 'from');
    const to = join(folder, 'to');
    await sync(source, from, '--layout', '3', '--key', keyFile);
    assert.equal((await run('index', from, 'base', '--view', 'small')).exitCode, 0);
    assert.equal((await run('index', from, 'top', '--view', 'team/all')).exitCode, 0);
    const first = JSON.parse((await sync(from, to, 'base')).out);
    const viewsOf = ({ views }: { views: readonly Readonly<Record<string, unknown>>[] }) =>
      views.map(({ view, outcome, packages }) => [view, outcome, packages]);
    assert.deepEqual(viewsOf(first), [
      ['small', 'copied', 1],
      ['team/all', 'copied', 1],
    ]);
    assert.deepEqual(first.keys.copied, [fingerprint]);
    const second = JSON.parse((await sync(from, to)).out);
    assert.deepEqual(viewsOf(second), [
      ['small', 'already-there', 1],
      ['team/all', 'copied', 2],
    ]);
    assert.deepEqual(second.keys.there, [fingerprint]);
    const listed = await run('list', '-m', to, '--view', 'small');
    assert.doesNotMatch(listed.out, /top/);
    await isClean(to);
    const one = join(folder, 'one');
    const viewed = await run('mirror', 'sync', from, one, '--view', 'small', '--keyring', keyring, '--json');
    assert.deepEqual(outcomesOf(viewed.out), ['base copied']);
    assert.deepEqual(viewsOf(JSON.parse(viewed.out)), [['small', 'copied', 1]]);
  });

  it('adds what it copies to the view that is configured for the destination', async (test) => {
    const { source, folder, target, keyFile, sync, isClean } = await place(test);
    const root = join(folder, 'config', 'regraft');
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'mirrors.yaml'), `mirrors:\n  m: {url: "${target}", view: prod}\n`);
    const { out, err, exitCode } = await sync(source, 'm', 'base', '--layout', '3', '--key', keyFile);
    assert.equal(exitCode, 0, err);
    const { views, indexes } = JSON.parse(out);
    assert.deepEqual([views[0].view, views[0].index.packages, indexes[0].packages], ['prod', 1, 1]);
    await isClean(target);
  });

  it('refuses a mirror inside of the source, and the same one', async (test) => {
    const { source, folder, sync } = await place(test);
    const link = join(folder, 'link');
    symlinkSync(source, link);
    mkdirSync(join(source, 'there'));
    for (const target of [source, link, join(source, 'there', 'deep'), join(link, 'there')])
      checkCode(await sync(source, target), 2, 'mirrors-overlap');
    checkCode(await sync(source), 2, 'usage');
    checkCode(await sync(source, '--archive', join(source, 'own.tar')), 2, 'mirrors-overlap');
  });
});
