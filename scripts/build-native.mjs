// Builds the Rust addon and puts it where src/relocation/engines/native-addon.ts looks: native/regraft.<triple>.node.
//   node scripts/build-native.mjs [--require] [--target TRIPLE] [--package]
// Without cargo there is nothing to do, and that is no error unless --require says so: the WASM engine runs everywhere.
// --target builds for another row of native/targets.json; --package puts a copy into native/npm/<triple>/ as well.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const native = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const { crate, targets } = JSON.parse(readFileSync(join(native, 'targets.json'), 'utf8'));
const { values } = parseArgs({
  options: {
    require: { type: 'boolean', default: false },
    target: { type: 'string' },
    package: { type: 'boolean', default: false },
  },
});

/** Ends the script: without the addon everything works, so only --require makes that a failure. */
function skip(reason) {
  console.log(`Native addon not built: ${reason}. regraft runs with the wasm engine.`);
  process.exit(values.require ? 1 : 0);
}

function hostTriple() {
  const { platform, arch } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
}

/** Never writes into a file that a running process may have loaded. */
function install(from, to) {
  const scratch = mkdtempSync(join(dirname(to), '.new-'));
  try {
    copyFileSync(from, join(scratch, 'addon'));
    renameSync(join(scratch, 'addon'), to);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  console.log(`Native addon built: ${to}`);
}

const host = hostTriple();
const triple = values.target ?? host;
const target = targets.find((each) => each.triple === triple);
if (target === undefined) {
  if (values.target === undefined) skip(`native/targets.json has no row for ${triple}`);
  console.error(`Unknown target "${triple}": one of ${targets.map((each) => each.triple).join(', ')}`);
  process.exit(2);
}
if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) {
  skip('cargo is not there (install Rust from https://rustup.rs)');
}

// On its own machine cargo's default target serves, whichever it is called.
const isForeign = triple !== host;
const rustflags = [process.env.RUSTFLAGS, target.rustflags].filter(Boolean).join(' ');
const args = ['build', '--release', '--locked', ...(isForeign ? ['--target', target.rust] : [])];
const env = rustflags === '' ? process.env : { ...process.env, RUSTFLAGS: rustflags };
const { status } = spawnSync('cargo', args, { cwd: native, stdio: 'inherit', env });
if (status !== 0) {
  console.error(`Cannot build ${crate} for ${triple}; needed: ${target.cross}`);
  process.exit(1);
}

const targetFolder = process.env.CARGO_TARGET_DIR ?? join(native, 'target');
const library = join(targetFolder, ...(isForeign ? [target.rust] : []), 'release', target.library);
const fileName = `regraft.${triple}.node`;
install(library, join(native, fileName));
if (values.package) install(library, join(native, 'npm', triple, fileName));
if (!isForeign) {
  const { ABI_VERSION } = createRequire(import.meta.url)(join(native, fileName));
  console.log(`It loads, and has version ${ABI_VERSION} of the interface.`);
}
