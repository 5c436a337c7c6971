// Finds the mirrors that a command names, by name, URL or path.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { UsageError } from '../core/errors.js';
import { schemeOf } from '../core/url-scheme.js';
import type { ConfiguredMirror, MirrorConnection } from './mirrors-config.js';

/** A mirror to open with `openMirror(url, { name, signed, view })`. */
export interface ResolvedMirror {
  /** Absent for a mirror given by its URL. */
  readonly name: string | undefined;
  readonly url: string;
  readonly signed: boolean;
  readonly view?: string | undefined;
  readonly connection: MirrorConnection;
}

/**
 * Finds the mirrors that a command names.
 * @param references Names of configured mirrors, URLs or paths; none means all configured mirrors with binary packages.
 * @throws UsageError `unknown-mirror` for a name that is not configured; `config` for a mirror whose URL has a variable that only Spack
 * can expand.
 */
export function resolveMirrors(
  references: readonly string[],
  configured: readonly ConfiguredMirror[],
): readonly ResolvedMirror[] {
  if (references.length === 0) return configured.filter((mirror) => mirror.binary).map(toResolved);
  const resolved = new Map<string, ResolvedMirror>();
  for (const reference of references) {
    const mirror = resolveMirror(reference, configured);
    const place = JSON.stringify([mirror.url, mirror.view]);
    if (!resolved.has(place)) resolved.set(place, mirror);
  }
  return [...resolved.values()];
}

function resolveMirror(reference: string, configured: readonly ConfiguredMirror[]): ResolvedMirror {
  const named = configured.find((mirror) => mirror.name === reference);
  if (named !== undefined) return toResolved(named);
  const url = schemeOf(reference) === undefined ? pathToFileURL(resolve(reference)).href : reference;
  const same = configured.find((mirror) => withoutSlash(mirror.fetchUrl) === withoutSlash(url));
  if (same !== undefined) return toResolved(same);
  if (schemeOf(reference) === undefined) requirePath(reference, url, configured);
  return { name: undefined, url, signed: true, connection: {} };
}

/** A word without slashes that is neither a folder nor an archive here is a misspelled name rather than a path. */
function requirePath(reference: string, url: string, configured: readonly ConfiguredMirror[]): void {
  if (/[/\\]/.test(reference) || existsSync(fileURLToPath(url))) return;
  const known = configured.map((mirror) => mirror.name);
  const hint =
    known.length === 0
      ? 'No mirrors are configured; use a URL or a path'
      : `Configured mirrors: ${known.join(', ')}`;
  throw new UsageError(
    'unknown-mirror',
    `Cannot find mirror "${reference}": it is neither a configured name nor a folder or archive`,
    {
      hint,
      data: { reference, known },
    },
  );
}

function toResolved(mirror: ConfiguredMirror): ResolvedMirror {
  if (mirror.fetchProblem !== undefined) throw mirror.fetchProblem;
  return {
    name: mirror.name,
    url: mirror.fetchUrl,
    signed: mirror.signed,
    ...(mirror.fetchView === undefined ? {} : { view: mirror.fetchView }),
    connection: mirror.fetchConnection,
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
