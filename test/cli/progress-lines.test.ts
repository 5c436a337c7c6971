import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Console, type JsonMode } from '../../src/cli/console.js';
import { ProgressLines } from '../../src/cli/progress-lines.js';
import type { ProgressEvent } from '../../src/core/progress.js';
import { CollectingSink } from '../helpers/program-run.js';

interface Shown {
  readonly out: CollectingSink;
  readonly err: CollectingSink;
  readonly lines: ProgressLines;
  /** Lets time pass. */
  readonly wait: (milliseconds: number) => void;
}

function shown(test: TestContext, { isTerminal = true, json = undefined as JsonMode } = {}): Shown {
  let now = 1000;
  test.mock.method(performance, 'now', () => now);
  const out = new CollectingSink();
  const err = new CollectingSink(isTerminal);
  const lines = new ProgressLines(new Console({ out, err, json, fullPaths: false }));
  const wait = (milliseconds: number) => {
    now += milliseconds;
  };
  return { out, err, lines, wait };
}

const started = (name: string, size?: number): ProgressEvent => ({
  type: 'package-started',
  package: name,
  hash: name,
  size,
});
const progress = (name: string, bytes: number, size?: number): ProgressEvent => ({
  type: 'package-progress',
  package: name,
  hash: name,
  bytes,
  size,
  files: 3,
});
const finished = (name: string): ProgressEvent => ({
  type: 'package-finished',
  package: name,
  hash: name,
  outcome: 'installed',
  bytes: 1,
  files: 1,
  milliseconds: 1,
});
const WARNING: ProgressEvent = { type: 'warning', code: 'x', message: 'beware' };

describe('ProgressLines', () => {
  it('draw a line per package, and draw them again in place', (test) => {
    const { err, lines, wait } = shown(test);
    lines.handle(started('a', 2000));
    lines.handle(started('b'));
    wait(100);
    lines.handle(progress('a', 1000, 2000));
    assert.match(
      err.text,
      /\x1b\[1A\x1b\[J {2}a: 1\.00 kB of 2\.00 kB \(50 %\), 3 files\n {2}b: 0 B, 0 files\n$/,
    );
    wait(100);
    lines.handle(finished('a'));
    assert.ok(err.text.endsWith('\x1b[2A\x1b[J  b: 0 B, 0 files\n'));
    lines.end();
    assert.ok(err.text.endsWith('\x1b[1A\x1b[J'));
  });

  it('do not forget a size that only the beginning told', (test) => {
    const { err, lines, wait } = shown(test);
    lines.handle(started('a', 2000));
    wait(100);
    lines.handle(progress('a', 500));
    assert.match(err.text, /a: 500 B of 2\.00 kB \(25 %\)/);
  });

  it('do not draw more often than people can read', (test) => {
    const { err, lines, wait } = shown(test);
    lines.handle(started('a', 2000));
    const drawn = err.text;
    for (let i = 0; i < 100; i++) lines.handle(progress('a', i, 2000));
    assert.equal(err.text, drawn);
    wait(100);
    lines.handle(progress('a', 100, 2000));
    assert.notEqual(err.text, drawn);
  });

  it('count packages that wait in one line', (test) => {
    const { err, lines, wait } = shown(test);
    for (const name of ['a', 'b', 'c']) lines.handle(started(name, 2000));
    for (const name of ['a', 'b']) lines.handle({ type: 'package-waits', package: name, hash: name });
    wait(100);
    lines.handle(progress('c', 1000, 2000));
    assert.ok(err.text.endsWith('(50 %), 3 files\n  2 more unpacked, waiting for their dependencies\n'));
    lines.handle(finished('a'));
    wait(100);
    lines.handle(finished('b'));
    assert.ok(!err.text.slice(err.text.lastIndexOf('\x1b[J')).includes('more'));
  });

  it('print warnings above', (test) => {
    const { err, lines } = shown(test);
    lines.handle(started('a'));
    lines.handle(WARNING);
    assert.ok(err.text.includes('\x1b[1A\x1b[Jwarning: beware\n'));
  });

  it('do not reach over the edge of the terminal', (test) => {
    const { err, lines } = shown(test);
    lines.handle(started('x'.repeat(200), 5));
    assert.equal(err.text.length, 80);
  });

  it('are silent where nobody looks, but for warnings', (test) => {
    for (const options of [{ isTerminal: false }, { json: 'document' as const }]) {
      const { out, err, lines, wait } = shown(test, options);
      for (const event of [started('a'), progress('a', 1), finished('a'), WARNING]) {
        wait(100);
        lines.handle(event);
      }
      lines.end();
      assert.deepEqual([out.text, err.text], ['', 'warning: beware\n']);
    }
  });

  it('become events, one per line, with --json=lines', (test) => {
    const { out, lines } = shown(test, { json: 'lines' });
    for (const event of [started('a', 9), finished('a')]) lines.handle(event);
    const events = out.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(events, [started('a', 9), finished('a')]);
  });
});
