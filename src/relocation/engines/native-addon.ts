// Finds and loads the Rust addon (native/src/lib.rs): from `REGRAFT_NATIVE`, from the package
// for this platform, or from a source checkout. One that is missing or of another version is a coded error, never a crash.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as Addon from '../../../native/index.js';
import { readElf } from '../../binfmt/elf/elf.js';
import { toLatin1 } from '../../core/bytes.js';
import { RelocationError } from '../../core/errors.js';
import { PACKAGE_FOLDER } from '../../core/package-folder.js';

/** Equal to `ABI_VERSION` in native/src/lib.rs; raised with every change of a signature. */
export const ABI_VERSION = 3;

/** What every call returns when the addon itself is wrong: `PANICKED` and `MISUSED` in native/src/lib.rs. */
const FAILURES: Readonly<Record<number, string>> = {
  [-1000]: 'its kernel panicked',
  [-1001]: 'its kernel was given arrays that it cannot work on',
};

/** What the addon exports: native/src/lib.rs, as `napi build` declares it. Answers go into `report`; every call returns a status. */
export type NativeAddon = typeof Addon;

/** What decides where the addon is looked for; the process itself unless a test says otherwise. */
export interface AddonSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For example `linux-x64-gnu`, as @napi-rs/cli calls a platform. */
  readonly triple: string;
  /** Loads a package by its name, or a file by its absolute path. */
  readonly load: (id: string) => unknown;
}

const require = createRequire(import.meta.url);
const NATIVE_FOLDER = new URL('native/', PACKAGE_FOLDER);

/**
 * Loads the addon.
 * @throws RelocationError `engine-unavailable`; `data.reason` says why, for people
 */
export function loadNativeAddon(surroundings: Partial<AddonSurroundings> = {}): NativeAddon {
  const { env = process.env, triple = platformTriple(), load = require } = surroundings;
  const forced = env.REGRAFT_NATIVE;
  if (forced) return checkAddon(loadForced(forced, load), forced);
  const packageName = `@regraft/native-${triple}`;
  const fileName = `regraft.${triple}.node`;
  const file = fileURLToPath(new URL(fileName, NATIVE_FOLDER));
  for (const id of [packageName, file]) {
    const addon = loadIfThere(id, load);
    if (addon !== undefined) return checkAddon(addon, id);
  }
  throw unavailable('native addon not built', `there is neither ${packageName} nor native/${fileName}`);
}

function loadForced(path: string, load: AddonSurroundings['load']): unknown {
  try {
    return load(resolve(path));
  } catch (cause) {
    throw unavailable(`REGRAFT_NATIVE names "${path}", which cannot be loaded`, messageOf(cause), cause);
  }
}

/** Undefined where there is no such package or file; one that is there must load. */
function loadIfThere(id: string, load: AddonSurroundings['load']): unknown {
  try {
    return load(id);
  } catch (cause) {
    if ((cause as { code?: unknown } | undefined)?.code === 'MODULE_NOT_FOUND') return undefined;
    throw unavailable(`"${id}" cannot be loaded`, messageOf(cause), cause);
  }
}

function checkAddon(exports: unknown, id: string): NativeAddon {
  const version = (exports as { ABI_VERSION?: unknown } | null | undefined)?.ABI_VERSION;
  if (version === ABI_VERSION) return exports as NativeAddon;
  const found = typeof version === 'number' ? `version ${version}` : 'no version';
  throw unavailable(
    `native addon is of another version`,
    `"${id}" has ${found} of the interface, this regraft needs version ${ABI_VERSION}`,
  );
}

function unavailable(reason: string, detail: string, cause?: unknown): RelocationError {
  return new RelocationError('engine-unavailable', `Cannot start the native engine: ${reason}: ${detail}`, {
    hint: 'Use the wasm engine (--engine wasm), or build the addon: npm run build:native',
    cause,
    data: { engine: 'native', reason, detail },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}

/** The name of this platform in the names of packages and files, as @napi-rs/cli makes them. */
export function platformTriple(): string {
  const { platform, arch } = process;
  if (platform === 'win32') return `${platform}-${arch}-msvc`;
  if (platform !== 'linux') return `${platform}-${arch}`;
  return `linux-${arch}-${isMusl(process.execPath) ? 'musl' : 'gnu'}`;
}

/** By the dynamic linker that the program names: an addon must be for the same C library. */
function isMusl(program: string): boolean {
  try {
    const file = openSync(program, 'r');
    try {
      const { size } = fstatSync(file);
      const read = (offset: number, length: number): Uint8Array => {
        const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
      };
      const interpreter = readElf({ size, read })?.interpreter;
      return interpreter !== undefined && toLatin1(interpreter.value).includes('ld-musl');
    } finally {
      closeSync(file);
    }
  } catch {
    return false; // A program that cannot be read is taken for the common case; a wrong addon fails to load and says so.
  }
}

/**
 * Passes a status on.
 * @throws RelocationError `engine-failed` where the addon itself is wrong
 */
export function checkStatus(status: number): number {
  const failure = status < 0 ? FAILURES[status] : undefined;
  if (failure !== undefined) throw nativeFailure(failure);
  return status;
}

/** The error for an addon that does not do what it promises. */
export function nativeFailure(reason: string): RelocationError {
  return new RelocationError('engine-failed', `Cannot go on with the native engine: ${reason}`, {
    hint: 'Use the js engine (--engine js), and report this',
    data: { engine: 'native', reason },
  });
}
