// A real build cache, served over HTTP and read from its folder.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { specfilePath, tarballPath } from '../../src/buildcache/layout.js';
import { parseSpecfile } from '../../src/buildcache/specfile/specfile.js';
import { IndexClient } from '../../src/mirror/index-client.js';
import { openMirror } from '../../src/mirror/open-mirror.js';
import { metadataCandidates } from '../../src/mirror/package-source.js';
import { extractClearsigned } from '../../src/signature/clearsign/clearsign.js';
import { MirrorServer } from '../helpers/mirror-server.js';
import { temporaryFolder } from './temporary-folder.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;

describe('a cache made by Spack', { skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set' }, () => {
  const root = join(FIXTURES ?? '', 'caches/padded-signed');

  test('index, metadata and tarball are found over HTTP and in the folder', async (t) => {
    const server = await MirrorServer.start({ folder: root });
    t.after(() => server.close());
    const mirrors = [openMirror(server.url, { environment: {} }), openMirror(root)];
    const { catalog, warnings } = await new IndexClient({ cacheFolder: temporaryFolder(t), mirrors }).load();
    assert.deepEqual(warnings, []);
    const entries = [...catalog.entries('toolgamma')];
    assert.equal(entries.length, 1);
    for (const { node, mirrors: named } of entries) {
      assert.deepEqual(named, mirrors);
      const paths = {
        signed: specfilePath(node, { signed: true }),
        unsigned: specfilePath(node, { signed: false }),
      };
      let found = 0;
      for await (const candidate of metadataCandidates({ mirrors, named, paths })) {
        assert.ok('bytes' in candidate && candidate.signed, candidate.location);
        const specfile = parseSpecfile(
          extractClearsigned(candidate.bytes, candidate.location),
          candidate.location,
        );
        assert.equal(specfile.spec.root.hash, node.hash);
        assert.equal(await candidate.mirror.has(tarballPath(node)), true);
        found++;
      }
      assert.equal(found, 2);
    }
    for (const mirror of mirrors) await mirror.close?.();
  });

  test('a process that forgets to close its mirror ends all the same', async (t) => {
    const server = await MirrorServer.start({ folder: root });
    t.after(() => server.close());
    const module = pathToFileURL(join(import.meta.dirname, '../../src/mirror/open-mirror.js')).href;
    const script = `
      const { openMirror } = await import(${JSON.stringify(module)});
      const mirror = openMirror(${JSON.stringify(server.url)}, { environment: {} });
      if (!(await mirror.has('build_cache/index.json'))) process.exit(1);
      const { body } = await mirror.get('build_cache/index.json');
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
