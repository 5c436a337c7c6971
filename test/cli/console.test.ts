import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Console, describeError, errorAsJson, type JsonMode } from '../../src/cli/console.js';
import { StoreError } from '../../src/core/errors.js';
import { CollectingSink } from '../helpers/program-run.js';

const PADDED = '/opt/__spack_path_placeholder__/__spack_path_placeholder__/__spack_p/bin';
const SHOWN = `/opt/[padded-to-${PADDED.length - '/bin'.length}-chars]/bin`;

function consoleOf(json: JsonMode, fullPaths = false) {
  const out = new CollectingSink();
  const err = new CollectingSink();
  return { out, err, console: new Console({ out, err, json, fullPaths }) };
}

describe('Console', () => {
  it('prints lines of text, or results as JSON', () => {
    for (const [json, expected] of [
      [undefined, 'line\n'],
      ['document', '{\n  "a": 1\n}\n'],
      ['lines', '{"type":"event"}\n{"type":"result","result":{"a":1}}\n'],
    ] as const) {
      const { out, err, console } = consoleOf(json);
      console.line('line');
      console.event({ type: 'event' });
      console.result({ a: 1 });
      assert.deepEqual([out.text, err.text], [expected, '']);
    }
  });

  it('shows padding nowhere, unless full paths are asked for', () => {
    const error = new StoreError('store-io', `Cannot write "${PADDED}"`, {
      hint: `See ${PADDED}`,
      data: { path: PADDED },
    });
    const say = (console: Console) => {
      console.line(PADDED);
      console.warn(PADDED);
      console.event({ type: 'x', path: PADDED });
      console.result({ deep: [{ path: PADDED, error }] });
      console.error(error);
    };
    for (const json of [undefined, 'document', 'lines'] as const) {
      const { out, err, console } = consoleOf(json);
      say(console);
      assert.ok(!`${out.text}${err.text}`.includes('placeholder'));
      assert.ok(out.text.includes(SHOWN) && err.text.includes(SHOWN));
      const full = consoleOf(json, true);
      say(full.console);
      assert.ok(full.out.text.includes(PADDED) && full.err.text.includes(PADDED));
    }
  });

  it('prints an error as the document, too', () => {
    const { out, err, console } = consoleOf('document');
    console.error(new StoreError('disk-full', 'Cannot write', { retryable: true, data: { a: 1 } }));
    assert.equal(err.text, 'error: Cannot write\n  code: disk-full\n');
    assert.deepEqual(JSON.parse(out.text), {
      error: { code: 'disk-full', message: 'Cannot write', retryable: true, data: { a: 1 } },
    });
  });
});

describe('describeError', () => {
  it('owns up to a defect, without its stack', () => {
    const text = describeError(new TypeError('x is not a function'));
    assert.match(text, /^error: x is not a function\n {2}This is a bug in regraft: please report it/);
    assert.doesNotMatch(text, /\n\s+at /);
    assert.match(describeError('a text'), /^error: a text\n/);
  });

  it('says little of an interruption', () => {
    const { reason } = AbortSignal.abort();
    assert.equal(describeError(reason), 'interrupted\n');
    assert.equal(errorAsJson(reason).code, 'interrupted');
    assert.equal(errorAsJson(new TypeError('x')).code, 'internal');
  });
});
