// A real build cache, served over HTTP and read from its folder.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { IndexClient } from '../../src/mirror/index/index-client.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { NO_TRUST } from '../../src/operations/keys/trust.js';
import { specFromRecords } from '../../src/spec/json/spec-json.js';
import { MirrorServer } from '../helpers/mirror-server.js';
import { temporaryFolder } from './temporary-folder.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;

describe('a cache made by Spack', { skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set' }, () => {
  const root = join(FIXTURES ?? '', 'caches/padded-signed');

  test('index, metadata and tarball are found over HTTP and in the folder', async (t) => {
    const server = await MirrorServer.start({ folder: root });
    t.after(() => server.close());
    const mirrors = [await openMirror(server.url, { environment: {} }), await openMirror(root)];
    const { catalog, warnings } = await new IndexClient({ cacheFolder: temporaryFolder(t), mirrors }).load();
    assert.deepEqual(warnings, []);
    const entries = [...catalog.entries('toolgamma')];
    assert.equal(entries.length, 1);
    for (const { node, mirrors: named } of entries) {
      assert.deepEqual(named, mirrors);
      const spec = specFromRecords(node.hash, (hash) => catalog.node(hash));
      for (const { cache } of mirrors) {
        const found = await cache.describe(spec, 'signed', { trust: NO_TRUST });
        assert.ok('specfile' in found, cache.url);
        assert.equal(found.specfile.spec.root.hash, node.hash);
        const { body } = await found.tarball.open();
        await body.cancel();
        assert.ok('absence' in (await cache.describe(spec, 'unsigned', { trust: NO_TRUST })));
      }
    }
    for (const { cache } of mirrors) await cache.close?.();
  });

  test('a process that forgets to close its mirror ends all the same', async (t) => {
    const server = await MirrorServer.start({ folder: root });
    t.after(() => server.close());
    const module = pathToFileURL(join(import.meta.dirname, '../../src/mirror/open-mirror.js')).href;
    const script = `
      const { openMirror } = await import(${JSON.stringify(module)});
      const { cache } = await openMirror(${JSON.stringify(server.url)}, { environment: {} });
      const { body } = await cache.indexes.at(-1).open(undefined);
      for await (const chunk of body) process.stdout.write(String(chunk.length));
    `;
    const child = execFileAsync(process.execPath, ['--input-type=module', '-e', script]);
    assert.match(await child, /^\d+$/);
  });
});

/** The server lives in this process, so the child must not block it. */
function execFileAsync(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: 20_000 }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}
