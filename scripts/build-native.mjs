// Builds the Rust addon with @napi-rs/cli: native/regraft.<platform>.node, where src/relocation/engines/native-addon.ts looks, and the
// declarations native/index.d.ts.
//   node scripts/build-native.mjs [--require] [flags of `napi build`, such as --target x86_64-unknown-linux-musl]
// Without cargo there is nothing to do, and that is no error unless --require says so: the WASM engine runs everywhere.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const require = createRequire(import.meta.url);
const flags = process.argv.slice(2).filter((flag) => flag !== '--require');

if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) {
  console.log('Native addon not built: cargo is missing (install Rust from https://rustup.rs).');
  console.log('regraft runs with the wasm engine.');
  process.exit(process.argv.includes('--require') ? 1 : 0);
}

// Our loader finds the addon (--no-js). The build downloads crates only that cargo has not got yet.
const napi = require.resolve('@napi-rs/cli/package.json').replace(/package\.json$/, 'dist/cli.js');
const options = ['--platform', '--release', '--no-js', '--dts', 'index.d.ts', ...flags, '--', '--locked'];
const { status } = spawnSync(process.execPath, [napi, 'build', ...options], {
  cwd: native,
  stdio: 'inherit',
});
process.exit(status ?? 1);
