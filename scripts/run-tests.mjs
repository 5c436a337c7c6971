// Runs the compiled tests: all, or those whose path contains one of the arguments. Prints node's own summary.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const wanted = process.argv.slice(2);
const files = readdirSync('dist/test', { recursive: true })
  .filter((path) => path.endsWith('.test.js'))
  .map((path) => join('dist/test', path))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort();
if (files.length === 0) {
  console.error('No test file matches');
  process.exit(1);
}
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
