// Makes the package index of a mirror out of its specfiles (Spack `generate_package_index`).
import { createHash } from 'node:crypto';
import { IndexBuilder } from '../buildcache/index/write-index.js';
import {
  INDEX_HASH_PATH,
  INDEX_PATH,
  SIGNED_SPECFILE_ENDING,
  SPECFILE_ENDING,
  SPECFILES_ROOT,
} from '../buildcache/layout.js';
import { NEWEST_SPECFILE_LAYOUT, parseSpecfile } from '../buildcache/specfile/specfile.js';
import { encodeUtf8 } from '../core/bytes.js';
import { BuildcacheError, MetadataError } from '../core/errors.js';
import type { OperationOptions } from '../core/progress.js';
import { FileSpool } from '../mirror/index-spool.js';
import { type Mirror, readAll } from '../mirror/mirror.js';
import { requireWritable, type WritableMirror, writeObject } from '../mirror/writable-mirror.js';
import { extractClearsigned } from '../signature/clearsign/clearsign.js';
import type { Spec } from '../spec/spec.js';
import { cannotList, indexKeys, type KeyIndexReport } from './publish-keys.js';

export interface IndexMirrorRequest {
  readonly mirror: Mirror;
  /** Write the key index, too. */
  readonly keys?: boolean | undefined;
  /** Specfiles to read at a time; 16 by default. */
  readonly jobs?: number | undefined;
}

export interface UnreadableSpecfile {
  readonly location: string;
  readonly error: BuildcacheError;
}

export interface IndexReport {
  readonly mirror: string;
  /** Packages that the mirror has. */
  readonly packages: number;
  /** Records of the index, with those of mere dependencies. */
  readonly records: number;
  /** Of the index, in bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Specfiles that were left out. */
  readonly unreadable: readonly UnreadableSpecfile[];
  readonly keys: KeyIndexReport | undefined;
}

/** Specfiles of large environments have some megabytes. */
const LARGEST_SPECFILE = 64 << 20;
const DEFAULT_JOBS = 16;
const LAYOUT_3_MANIFESTS = 'v3/manifests';

/**
 * Writes `index.json` and `index.json.hash`. A specfile that cannot be read becomes a warning, and is left out; when none can be read,
 * that is an error, and the old index stays.
 * @throws MirrorError `mirror-read-only`, `mirror-protocol` for a mirror that cannot be listed, and what listing and writing bring.
 */
export async function indexMirror(
  { mirror, keys, jobs = DEFAULT_JOBS }: IndexMirrorRequest,
  options: OperationOptions = {},
): Promise<IndexReport> {
  const writable = requireWritable(mirror);
  const spool = new FileSpool();
  try {
    const builder = new IndexBuilder(spool);
    const unreadable = await readSpecfiles({ mirror, builder, jobs, options });
    // An empty index must not replace a good one because the mirror is out of order.
    if (builder.packageCount === 0 && unreadable[0] !== undefined) throw unreadable[0].error;
    const written = await writeIndex(writable, builder, options.signal);
    return {
      mirror: mirror.url,
      packages: builder.packageCount,
      records: builder.recordCount,
      ...written,
      unreadable,
      keys: keys ? await indexKeys(mirror, options) : undefined,
    };
  } finally {
    spool.close();
  }
}

interface Reading {
  readonly mirror: Mirror;
  readonly builder: IndexBuilder;
  readonly jobs: number;
  readonly options: OperationOptions;
}

/** Several readers take turns at one list of names. */
async function readSpecfiles({ mirror, builder, jobs, options }: Reading): Promise<UnreadableSpecfile[]> {
  const unreadable: UnreadableSpecfile[] = [];
  const names = (await listSpecfiles(mirror, options.signal))[Symbol.iterator]();
  const readOn = async (): Promise<void> => {
    for (const name of { [Symbol.iterator]: () => names }) {
      options.signal?.throwIfAborted();
      const path = `${SPECFILES_ROOT}/${name}`;
      try {
        builder.add(await readSpecfile(mirror, path, options.signal));
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!(error instanceof BuildcacheError)) throw error;
        unreadable.push({ location: mirror.location(path), error });
        options.onProgress?.({ type: 'warning', code: error.code, message: `Left out: ${error.message}` });
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, readOn));
  return unreadable.sort((a, b) => (a.location < b.location ? -1 : 1));
}

async function listSpecfiles(mirror: Mirror, signal: AbortSignal | undefined): Promise<string[]> {
  if (mirror.list === undefined) throw cannotList(mirror);
  const names: string[] = [];
  for await (const name of mirror.list(SPECFILES_ROOT, { signal })) {
    if (name.endsWith(SPECFILE_ENDING) || name.endsWith(SIGNED_SPECFILE_ENDING)) names.push(name);
  }
  if (names.length === 0) await refuseLayout3(mirror, signal);
  return names.sort();
}

/** An empty index beside packages that it cannot have would hide them from old Spacks, without a word. */
async function refuseLayout3(mirror: Mirror, signal: AbortSignal | undefined): Promise<void> {
  for await (const _ of mirror.list?.(LAYOUT_3_MANIFESTS, { signal }) ?? []) {
    throw new MetadataError(
      'layout-unsupported',
      `Cannot index "${mirror.url}": its packages have layout 3`,
      {
        hint: 'This version writes indexes for layouts 0 to 2',
        data: { mirror: mirror.url, actual: 3, supported: NEWEST_SPECFILE_LAYOUT },
      },
    );
  }
}

/** Signatures are not verified: whoever installs does that, and the index is signed by nobody. */
async function readSpecfile(mirror: Mirror, path: string, signal: AbortSignal | undefined): Promise<Spec> {
  const location = mirror.location(path);
  const bytes = await readAll(mirror, path, { limit: LARGEST_SPECFILE, signal });
  const text = path.endsWith(SIGNED_SPECFILE_ENDING) ? extractClearsigned(bytes, location) : bytes;
  const { spec } = parseSpecfile(text, location);
  if (hashInName(path) === spec.root.hash) return spec;
  throw new MetadataError(
    'wrong-package',
    `Cannot index "${location}": it describes "${spec.root.name}/${spec.root.hash}"`,
    {
      hint: 'Nobody could find the package by its hash: push it again',
      data: { location, actual: spec.root.hash, expected: hashInName(path) },
    },
  );
}

function hashInName(path: string): string | undefined {
  const ending = path.endsWith(SIGNED_SPECFILE_ENDING) ? SIGNED_SPECFILE_ENDING : SPECFILE_ENDING;
  return path.slice(0, -ending.length).split('-').at(-1);
}

/**
 * The hash goes first. Readers take their cached index for current when the hash file names it, so a hash file that is ahead of the
 * index only costs them a download, while one that is behind would keep them at an old index for as long as nobody indexes again.
 */
async function writeIndex(mirror: WritableMirror, builder: IndexBuilder, signal: AbortSignal | undefined) {
  const hash = createHash('sha256');
  let size = 0;
  for (const chunk of builder.chunks()) {
    hash.update(chunk);
    size += chunk.length;
  }
  const sha256 = hash.digest('hex');
  const writer = await mirror.create(INDEX_PATH, { signal });
  try {
    for (const chunk of builder.chunks()) {
      signal?.throwIfAborted();
      await writer.write(chunk);
    }
    await writer.prepare();
    await writeObject(mirror, INDEX_HASH_PATH, encodeUtf8(sha256), { signal });
    await writer.commit();
  } finally {
    await writer.discard();
  }
  return { size, sha256 };
}
