// A folder of its own for each test, removed when the test ends.
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { removeTree } from '../../src/host/remove-tree.js';

export function temporaryFolder(test: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'regraft-store-')));
  // Tests take permissions away from folders.
  test.after(() => removeTree(folder));
  return folder;
}
