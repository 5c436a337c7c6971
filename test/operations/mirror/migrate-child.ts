// Migrates a mirror in a process that may be killed: source, destination.
import { mkdtempSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { migrateUnsigned } from './migrate-run.js';

const [source = '', destination = '', temporary = ''] = process.argv.slice(2);
await migrateUnsigned({
  source,
  destination,
  temporaryFolder: mkdtempSync(join(temporary, 'run-')),
  onProgress: () => writeSync(1, '.'),
});
