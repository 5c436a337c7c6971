// Which packages stay when a mirror is pruned: those that lockfiles and specfiles name, with everything they need, and hashes one a line.
import { MetadataError } from '../../../core/errors.js';
import { isDagHash } from '../../../spec/dag-hash.js';
import { parseJsonDocument } from '../../../spec/json/json-document.js';
import { parseLockfile } from '../../../spec/json/lockfile.js';
import { parseSpecDictionary } from '../../../spec/json/spec-json.js';

/**
 * The hashes that a file names: a `spack.lock`, a `spec.json`, or a text with a hash in each line. Empty lines and those that begin with
 * `#` do not count.
 * @throws MetadataError `metadata-syntax`, `metadata-invalid`, also for a line that is not a whole hash
 */
export function parseKeepList(bytes: Uint8Array, source: string): ReadonlySet<string> {
  const text = Buffer.from(bytes).toString('utf8');
  if (!text.trimStart().startsWith('{')) return parseHashes(text, source);
  const json = parseJsonDocument(bytes, source);
  const isLockfile = typeof json === 'object' && json !== null && 'concrete_specs' in json;
  const specs = isLockfile ? parseLockfile(bytes, source).roots : [parseSpecDictionary(json, source)];
  // Build dependencies, too: whoever builds on these needs them.
  return new Set(specs.flatMap(({ nodes }) => [...nodes.keys()]));
}

function parseHashes(text: string, source: string): ReadonlySet<string> {
  const lines = text.split('\n').map((line) => line.trim().replace(/^\//, ''));
  const hashes = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const wrong = hashes.find((line) => !isDagHash(line));
  if (wrong === undefined) return new Set(hashes);
  throw new MetadataError(
    'metadata-invalid',
    `Cannot read "${source}": "${wrong.slice(0, 80)}" is not a whole hash`,
    {
      hint: 'Give a spack.lock, a spec.json, or a text with a hash of 32 characters in each line',
      data: { source, actual: wrong.slice(0, 80) },
    },
  );
}
