// How the native addon is found, what is refused, and that its calls check what they are given. The cases that all engines share
// run through it as well, where it is built: test/engines/engines.ts.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { RelocationError } from '../../src/core/errors.js';
import { JsEngine } from '../../src/relocation/engines/js.js';
import { loadNative } from '../../src/relocation/engines/native.js';
import {
  ABI_VERSION,
  checkStatus,
  loadNativeAddon,
  platformTriple,
} from '../../src/relocation/engines/native-addon.js';
import { TEXT_LIMIT } from '../../src/relocation/text/text-rules.js';
import { NATIVE, NATIVE_MISSING } from '../helpers/native-engine.js';
import { latin1, mappingOf } from './engines.js';

const ADDON = { ABI_VERSION };

/** A loader that knows these modules, and fails for others as `require` does. */
function loaderOf(modules: Readonly<Record<string, () => unknown>>) {
  const asked: string[] = [];
  const load = (id: string): unknown => {
    asked.push(id);
    const found = Object.entries(modules).find(([name]) => id.endsWith(name));
    if (found !== undefined) return found[1]();
    throw Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' });
  };
  return { asked, load };
}

function isUnavailable(reason: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof RelocationError);
    assert.equal(error.code, 'engine-unavailable');
    assert.match(`${error.data.reason}: ${error.data.detail}`, reason);
    return true;
  };
}

describe('loadNativeAddon', () => {
  const triple = 'linux-x64-musl';

  it('takes the package for the platform first, then a source checkout', () => {
    const both = loaderOf({ '@regraft/native-linux-x64-musl': () => ADDON });
    assert.equal(loadNativeAddon({ env: {}, triple, load: both.load }), ADDON);
    assert.deepEqual(both.asked, ['@regraft/native-linux-x64-musl']);
    const checkout = loaderOf({ [join('native', 'regraft.linux-x64-musl.node')]: () => ADDON });
    assert.equal(loadNativeAddon({ env: {}, triple, load: checkout.load }), ADDON);
    assert.equal(checkout.asked.length, 2);
  });

  it('takes what REGRAFT_NATIVE names, and nothing else', () => {
    const { asked, load } = loaderOf({
      'mine.node': () => ADDON,
      '@regraft/native-linux-x64-musl': () => ADDON,
    });
    assert.equal(loadNativeAddon({ env: { REGRAFT_NATIVE: 'mine.node' }, triple, load }), ADDON);
    assert.deepEqual(asked, [join(process.cwd(), 'mine.node')]);
    assert.throws(
      () => loadNativeAddon({ env: { REGRAFT_NATIVE: 'gone.node' }, triple, load }),
      isUnavailable(/REGRAFT_NATIVE names "gone.node", which cannot be loaded: Cannot find module/),
    );
  });

  it('says what is missing', () => {
    const { load } = loaderOf({});
    assert.throws(
      () => loadNativeAddon({ env: {}, triple, load }),
      isUnavailable(/native addon not built: there is neither @regraft\/native-linux-x64-musl nor/),
    );
  });

  it('refuses an addon of another version, or one that is none', () => {
    for (const [exports, found] of [
      [{ ABI_VERSION: ABI_VERSION + 1 }, `has version ${ABI_VERSION + 1} of the interface`],
      [{}, 'has no version'],
      [null, 'has no version'],
    ] as const) {
      const { load } = loaderOf({ 'a.node': () => exports });
      assert.throws(
        () => loadNativeAddon({ env: { REGRAFT_NATIVE: 'a.node' }, triple, load }),
        isUnavailable(new RegExp(`of another version: .*${found}`)),
      );
    }
  });

  it('says why one that is there does not load', () => {
    const { load } = loaderOf({
      'native-linux-x64-musl': () => {
        throw Object.assign(new Error('libc.so: cannot open shared object file\nmore'), {
          code: 'ERR_DLOPEN_FAILED',
        });
      },
    });
    assert.throws(
      () => loadNativeAddon({ env: {}, triple, load }),
      isUnavailable(/cannot be loaded: libc.so: cannot open shared object file$/),
    );
  });

  it('refuses a file that is no addon', () => {
    const file = join(process.cwd(), 'package.json');
    assert.throws(() => loadNative({ REGRAFT_NATIVE: file }), isUnavailable(/of another version/));
  });
});

describe('checkStatus', () => {
  it('turns a panic into a coded error', () => {
    assert.throws(
      () => checkStatus(-1000),
      (error) => error instanceof RelocationError && error.code === 'engine-failed',
    );
    assert.deepEqual([-13, -1, 0, 2].map(checkStatus), [-13, -1, 0, 2]);
  });
});

describe('prebuilt addons', () => {
  const { napi, version } = JSON.parse(readFileSync('native/package.json', 'utf8'));
  const packages = readdirSync('native/npm').map((platform) => ({
    platform,
    manifest: JSON.parse(readFileSync(join('native', 'npm', platform, 'package.json'), 'utf8')),
  }));

  it('have a package for each target, as the loader looks for it', () => {
    assert.equal(packages.length, napi.targets.length);
    assert.equal(version, JSON.parse(readFileSync('package.json', 'utf8')).version);
    for (const { platform, manifest } of packages) {
      assert.equal(manifest.name, `@regraft/native-${platform}`);
      assert.equal(manifest.version, version);
      assert.equal(manifest.main, `regraft.${platform}.node`);
      assert.equal(platform.startsWith(`${manifest.os}-${manifest.cpu}`), true);
      const libc = { gnu: ['glibc'], musl: ['musl'] }[platform.split('-')[2] ?? ''];
      assert.deepEqual(manifest.libc, libc);
      assert.equal(manifest.scripts, undefined, 'nothing runs when it is installed');
    }
  });

  it('are of the version of the interface that the loader wants', () => {
    const source = readFileSync('native/src/lib.rs', 'utf8');
    assert.match(source, new RegExp(`pub const ABI_VERSION: i32 = ${ABI_VERSION};`));
  });

  it('name this platform as the loader does', () => {
    const known = packages.some(
      ({ manifest: { os, cpu } }) => os[0] === process.platform && cpu[0] === process.arch,
    );
    assert.equal(
      packages.some(({ platform }) => platform === platformTriple()),
      known,
    );
  });
});

describe('NativeEngine', { skip: NATIVE_MISSING }, () => {
  const engine = NATIVE;
  if (engine === undefined) return;
  const addon = loadNativeAddon();
  const report = new Float64Array(4);

  it('refuses arrays that it cannot work on', () => {
    const inflater = new addon.RawInflater();
    const window = new Uint8Array(addon.INFLATE_WINDOW_SIZE);
    const isMisuse = (status: number) => assert.throws(() => checkStatus(status), RelocationError);
    isMisuse(inflater.run(latin1('x'), 0, window.subarray(1), report));
    isMisuse(inflater.run(window.subarray(100, 200), 0, window, report));
    const table = new addon.PrefixTable([latin1('/a')], [latin1('/b')]);
    isMisuse(table.rewriteText(window, window));
    assert.equal(table.rewriteText(latin1('/a'), new Uint8Array(3)), 0);
  });

  it('takes any number for an offset', () => {
    const table = new addon.PrefixTable([latin1('/a')], []);
    const bytes = latin1('/a/a/a');
    for (const number of [-1, 1e300, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.ok(table.scan(bytes, number, new Uint32Array(3), report) >= 0);
      assert.equal(table.replaceCStrings(bytes, number, number, report), 0);
      const window = new Uint8Array(addon.INFLATE_WINDOW_SIZE);
      assert.equal(new addon.RawInflater().run(bytes.subarray(0, 0), number, window, report), 0);
    }
  });

  it('patches binaries where WASM cannot run', () => {
    const module = new URL('../../src/relocation/engines/native.js', import.meta.url).href;
    const source = `
      import { readFileSync } from 'node:fs';
      const { loadNative } = await import(${JSON.stringify(module)});
      const bytes = readFileSync(process.execPath).subarray(0, 1 << 20);
      const read = (offset, length) => bytes.subarray(offset, offset + length);
      const engine = loadNative();
      const patcher = engine.createElfPatcher([], { rewriteInterpreter: true });
      const edits = patcher.patch({ size: bytes.length, read });
      console.log(typeof WebAssembly, engine.modules, edits.length);`;
    const flags = ['--jitless', '--no-warnings', '--input-type=module', '-e', source];
    assert.equal(execFileSync(process.execPath, flags).toString(), 'undefined undefined 0\n');
    assert.ok(engine.modules?.has('patchers'));
  });

  it('refuses what is no array as wrong use', () => {
    const inflater = new addon.RawInflater();
    assert.throws(() => inflater.run('text' as unknown as Uint8Array, 0, new Uint8Array(1), report));
    assert.throws(() => new addon.PrefixTable('/a' as never, []));
  });

  it('works on views of any memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(64), 8, 40);
    shared.set(latin1('/old/store/x\0'), 3);
    assert.deepEqual([...engine.createScanner([latin1('/old')]).scan(shared)], [3, 0]);
    const replacer = engine.createCStringReplacer(mappingOf([['/old/store', '/n']]));
    assert.equal(replacer.replace(shared, { start: 0, isLast: true }).replaced, 1);
    assert.equal(Buffer.from(shared).toString('latin1', 3, 16), '/n/x\0store/x\0');
    assert.deepEqual([...engine.createScanner([latin1('/old')]).scan(new Uint8Array(0))], []);
    assert.equal(engine.createTextReplacer([]).replace(latin1('/old')), undefined);
  });

  it('fails as the js engine does where a text is too large', () => {
    const js = new JsEngine();
    const text = new Uint8Array(TEXT_LIMIT + 1);
    const failures = [js, engine].map((each) => {
      try {
        return each.createTextReplacer(mappingOf([['/a', '/b']])).replace(text);
      } catch (error) {
        return error;
      }
    });
    assert.ok(failures[0] instanceof RelocationError && failures[1] instanceof RelocationError);
    assert.deepEqual([failures[1].code, failures[1].data], [failures[0].code, failures[0].data]);
  });

  it('refuses streams for the reasons that the js engine gives', () => {
    const [js, native] = [new JsEngine().createInflater(), engine.createInflater()];
    const reasonOf = (inflater: typeof js | typeof native, input: Uint8Array): unknown => {
      inflater.reset();
      inflater.push(input);
      try {
        while (inflater.pull().length > 0);
        return inflater.ended ? ['ended', inflater.unusedInput] : 'truncated';
      } catch (error) {
        return (error as RelocationError).data.reason;
      }
    };
    const first = fc.constantFrom(0x00, 0x01, 0x03, 0x05, 0x04, 0xed, 0x1d, 0x07);
    const stream = fc.tuple(first, fc.uint8Array({ maxLength: 80 }));
    const property = fc.property(stream, ([head, rest]) => {
      const input = Uint8Array.of(head, ...rest);
      assert.deepEqual(reasonOf(native, input), reasonOf(js, input));
    });
    fc.assert(property, { seed: 29, numRuns: 5000 });
  });

  it('runs in worker threads at the same time', async () => {
    const module = new URL('../../src/relocation/engines/native.js', import.meta.url).href;
    assert.ok(existsSync(new URL(module)));
    const source = `
      import { parentPort } from 'node:worker_threads';
      const { loadNative } = await import(${JSON.stringify(module)});
      const scanner = loadNative().createScanner([Buffer.from('/old')]);
      parentPort.postMessage(scanner.scan(Buffer.from('x/old/old'.repeat(1000))).length);
    `;
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const counts = await Promise.all(
      [1, 2, 3].map(
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(url);
            worker.once('message', resolve);
            worker.once('error', reject);
          }),
      ),
    );
    assert.deepEqual(counts, [4000, 4000, 4000]);
  });
});
