// Opens a mirror by the scheme of its URL; anything without a scheme is a path.

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MirrorError } from '../core/errors.js';
import { schemeOf } from '../core/url-scheme.js';
import { FileMirror } from './file-mirror.js';
import type { ConnectionOptions } from './http-dispatcher.js';
import { HttpMirror } from './http-mirror.js';
import type { Mirror } from './mirror.js';
import type { RetryPolicy } from './retry-policy.js';

export interface OpenMirrorOptions extends ConnectionOptions {
  /** The configured name; the location by default. */
  readonly name?: string | undefined;
  /** Whether metadata must be signed; true by default. */
  readonly signed?: boolean | undefined;
  readonly retry?: RetryPolicy | undefined;
}

/**
 * Opens a mirror; nothing is read yet.
 * @param reference A `file:`, `http:` or `https:` URL, or a path.
 * @throws MirrorError `mirror-protocol` for other schemes and for what is not a URL.
 */
export function openMirror(reference: string, options: OpenMirrorOptions = {}): Mirror {
  const scheme = schemeOf(reference);
  if (scheme === undefined) return new FileMirror({ ...options, root: resolve(reference) });
  if (scheme === 'file') return new FileMirror({ ...options, root: filePath(reference) });
  if (scheme !== 'http' && scheme !== 'https') throw unsupported(scheme);
  return new HttpMirror({ ...options, url: parseUrl(reference) });
}

function filePath(reference: string): string {
  try {
    // "file:name" would quietly mean "/name".
    if (!/^file:\//i.test(reference)) throw new Error('the path is not absolute');
    const url = new URL(reference);
    url.search = '';
    url.hash = '';
    return fileURLToPath(url);
  } catch (cause) {
    throw new MirrorError(
      'mirror-protocol',
      `Cannot open mirror "${reference}": not a file URL of this machine`,
      {
        cause,
        hint: 'Write it as file:///absolute/path',
        data: { reference },
      },
    );
  }
}

function parseUrl(reference: string): URL {
  if (URL.canParse(reference)) return new URL(reference);
  // The text is not repeated: what cannot be parsed cannot be freed from a password either.
  throw new MirrorError('mirror-protocol', 'Cannot open a mirror: its URL cannot be parsed', {
    hint: 'Write it as https://host/path',
  });
}

function unsupported(scheme: string): MirrorError {
  const later = scheme === 's3' || scheme === 'oci' || scheme === 'oci+http';
  return new MirrorError('mirror-protocol', `Cannot open a mirror with "${scheme}:"`, {
    hint: later ? `This version does not read ${scheme}: mirrors yet` : 'Use file:, http: or https:',
    data: { scheme },
  });
}
