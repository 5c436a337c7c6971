import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MirrorsFile } from '../../src/config/mirrors-file.js';
import { UsageError } from '../../src/core/errors.js';
import { temporaryFolder } from '../store/temporary-folder.js';

function fileWith(context: TestContext, text?: string): string {
  const path = join(temporaryFolder(context), 'mirrors.yaml');
  if (text !== undefined) writeFileSync(path, text, { mode: 0o644 });
  return path;
}

function edited(path: string, edit: (file: MirrorsFile) => void): string {
  const file = new MirrorsFile(path);
  edit(file);
  file.write();
  return readFileSync(path, 'utf8');
}

function hasCode(code: string, words: RegExp) {
  return (error: unknown) =>
    error instanceof UsageError && error.code === code && words.test(`${error.message} ${error.hint}`);
}

const TEXT = `# ours
mirrors:
  # the first
  one: https://one # inline
  "two:":
    url: https://two # it replaces

    signed: false
`;

test('MirrorsFile keeps comments, order and marks', (context) => {
  const path = fileWith(context, TEXT);
  const first = TEXT.replace(
    'https://one # inline',
    '\n    url: https://one # inline\n    signed: false',
  ).replace('one: ', 'one:');
  assert.equal(
    edited(path, (file) => file.set('one', { signed: false })),
    first,
  );
  assert.equal(
    edited(path, (file) => file.set('two', { signed: '', view: 'v' })),
    first.replace('\n\n    signed: false', '\n    view: v'),
  );
  assert.match(
    edited(path, (file) => file.add('three', { url: 's3://b' })),
    /\n {2}three: s3:\/\/b\n$/,
  );
  assert.doesNotMatch(
    edited(path, (file) => file.remove('two')),
    /two/,
  );
});

test('MirrorsFile makes the file and its folders, and fills in files without mirrors', (context) => {
  const path = join(temporaryFolder(context), 'a', 'b', 'mirrors.yaml');
  assert.equal(
    edited(path, (file) => file.add('m', { url: '/x' })),
    'mirrors:\n  m: /x\n',
  );
  for (const text of ['', '# nothing\n', 'mirrors:\n', 'mirrors: {}\n', 'null\n', '"mirrors:":\n'])
    assert.match(
      edited(fileWith(context, text), (file) => file.add('m', { url: '/x' })),
      /mirrors:+"?:?\n {2}m: \/x\n/,
      text,
    );
});

test('MirrorsFile shows a file with secrets to its owner only, and leaves others as they are', (context) => {
  const modes = [
    [{ access_pair: { id: 'i', secret: 's' } }, 0o600],
    [{ access_token: 't' }, 0o600],
    [{ url: 'https://user:password@host' }, 0o600],
    [{ access_pair: { id: 'i', secret_variable: 'S' } }, 0o644],
    [{ access_token_variable: 'T' }, 0o644],
  ] as const;
  for (const [settings, mode] of modes) {
    const path = fileWith(context, TEXT);
    edited(path, (file) => file.add('m', { url: 'https://m', ...settings }));
    assert.equal(statSync(path).mode & 0o777, mode, JSON.stringify(settings));
  }
});

test('MirrorsFile writes through a link, and leaves no other file behind', (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'dotfiles'));
  const real = join(folder, 'dotfiles', 'm.yaml');
  writeFileSync(real, TEXT);
  const path = join(folder, 'mirrors.yaml');
  symlinkSync(real, path);
  edited(path, (file) => file.remove('one'));
  assert.ok(lstatSync(path).isSymbolicLink());
  assert.doesNotMatch(readFileSync(real, 'utf8'), /https:\/\/one/);
});

test('MirrorsFile refuses names that are taken or no names, and suggests those it has', (context) => {
  const path = fileWith(context, TEXT);
  const file = new MirrorsFile(path);
  assert.throws(() => file.add('two', { url: '/x' }), hasCode('mirror-name', /regraft mirror set two/));
  for (const name of ['', 'a b', 'https://x', 'a/b', '-m', 'm:'])
    assert.throws(() => file.add(name, { url: '/x' }), hasCode('mirror-name', /letters/), name);
  assert.throws(() => file.remove('tow'), hasCode('unknown-mirror', /Did you mean "two"\?/));
  assert.throws(() => file.set('other', { view: 'v' }), hasCode('unknown-mirror', /It has: one, two/));
  assert.throws(() => file.set('one', { url: '' }), hasCode('config', /no URL/));
  for (const text of ['- a', 'mirrors: [a]', 'mirrors: {'])
    assert.throws(() => new MirrorsFile(fileWith(context, text)), hasCode('config', /mirrors\.yaml/), text);
});
