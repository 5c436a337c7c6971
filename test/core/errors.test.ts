import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ArchiveError, BuildcacheError, MirrorError, StoreError } from '../../src/core/errors.js';

describe('BuildcacheError', () => {
  it('carries code, message, hint, cause and facts', () => {
    const cause = new Error('why');
    const error = new StoreError('disk-full', 'Cannot write "x"', {
      hint: 'Free some space',
      cause,
      retryable: true,
      data: { path: 'x' },
    });
    assert.ok(error instanceof BuildcacheError && error instanceof Error);
    const { name, code, message, hint, retryable, data } = error;
    assert.deepEqual(
      { name, code, message, hint, retryable, data },
      {
        name: 'StoreError',
        code: 'disk-full',
        message: 'Cannot write "x"',
        hint: 'Free some space',
        retryable: true,
        data: { path: 'x' },
      },
    );
    assert.equal(error.cause, cause);
  });

  it('is complete without details', () => {
    const error = new ArchiveError('tar-header', 'Cannot read');
    assert.deepEqual([error.hint, error.retryable, error.data], [undefined, false, {}]);
    assert.ok(!('cause' in error));
  });
});

describe('error codes', () => {
  const text = readFileSync('src/core/errors.ts', 'utf8');
  const declared = [...text.matchAll(/^ {2}\| '([a-z0-9-]+)'/gm)].map((match) => match[1] ?? '');
  const sources = (readdirSync('src', { recursive: true }) as string[])
    .filter((path) => path.endsWith('.ts') && path !== join('core', 'errors.ts'))
    .map((path) => readFileSync(join('src', path), 'utf8'));

  it('are each declared once', () => {
    assert.ok(declared.length > 50);
    assert.deepEqual(
      declared.filter((code, i) => declared.indexOf(code) !== i),
      [],
    );
  });

  it('are all in use', () => {
    const everything = sources.join('\n');
    const unused = declared.filter((code) => !everything.includes(`'${code}'`));
    assert.deepEqual(unused, []);
  });

  it('have messages in their form: the action that failed first, no final period', () => {
    for (const source of sources)
      for (const match of source.matchAll(
        /new \w+Error\(\s*'[a-z0-9-]+',\s*(['`])((?:(?!\1)[^\\]|\\.)*)\1/g,
      )) {
        const message = match[2] ?? '';
        assert.match(message, /^(Cannot|There is|Skipped|\$\{)/, message);
        assert.doesNotMatch(message, /\.$/, message);
      }
  });
});

it('BuildcacheError.with changes what it is told, and keeps class, code and the rest', () => {
  const cause = new Error('deeper');
  const error = new StoreError('disk-full', 'full', {
    hint: 'free',
    cause,
    retryable: true,
    data: { path: '/x' },
  });
  const same = error.with({});
  assert.ok(same instanceof StoreError && same !== error);
  const facts = ({ name, code, message, hint, cause, retryable, data }: BuildcacheError) => [
    [name, code, message, hint],
    [cause, retryable, data],
  ];
  assert.deepEqual(facts(same), facts(error));
  const other = error.with({ message: 'fuller', cause: error, retryable: false, data: { path: '/y' } });
  assert.deepEqual(facts(other), [
    ['StoreError', 'disk-full', 'fuller', 'free'],
    [error, false, { path: '/y' }],
  ]);
  assert.ok(!('cause' in new MirrorError('mirror-full', 'x').with({ message: 'y' })));
});
