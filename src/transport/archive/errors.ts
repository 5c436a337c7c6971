// Coded errors for a tar archive that is to be a mirror.
import { ArchiveError, MirrorError } from '../../core/errors.js';
import { encodeSurrogateEscape } from '../../host/surrogate-escape.js';
import { isAbsent } from '../../host/system-error.js';
import { displayPath } from '../../tar/safe-path.js';
import { unreadable } from '../file/errors.js';

const MAKE_HINT = 'Make it with "tar cf FILE.tar -C MIRROR ."';

/** What begins a compressed file. */
const COMPRESSIONS: readonly { readonly name: string; readonly magic: readonly number[] }[] = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
];

/** The error for a compressed archive, by its first bytes; undefined for any other file. */
export function compressedError(start: Uint8Array, location: string): MirrorError | undefined {
  const found = COMPRESSIONS.find(({ magic }) => magic.every((byte, i) => start[i] === byte));
  if (found === undefined) return undefined;
  return new MirrorError(
    'mirror-not-a-buildcache',
    `Cannot read "${location}" as a mirror: it is compressed with ${found.name}, so nothing in it can be found without unpacking it`,
    {
      hint: 'Decompress it first: its packages are compressed already',
      data: { location, compression: found.name },
    },
  );
}

/** What failed while the members were read, as an error of the mirror. */
export function scanError(location: string, cause: unknown): unknown {
  if (!(cause instanceof ArchiveError)) return cause;
  const reason = cause.message.replace(/^Cannot (?:read|extract) /, '');
  return new MirrorError('mirror-not-a-buildcache', `Cannot read "${location}" as a mirror: ${reason}`, {
    cause,
    hint: `It must be a tar archive. ${MAKE_HINT}`,
    data: { location, code: cause.code, ...cause.data },
  });
}

/** An archive that ends before its last member does, or before the blocks of its end. */
export function cutOff({ location, size, expected }: CutOff): MirrorError {
  const wanted =
    expected === undefined ? 'without the end of an archive' : `within a member that ends at ${expected}`;
  return new MirrorError(
    'mirror-truncated',
    `Cannot read "${location}" as a mirror: it ends at ${size} bytes, ${wanted}`,
    {
      hint: 'The archive is incomplete: copy it again',
      data: { location, expected, actual: size },
    },
  );
}

interface CutOff {
  readonly location: string;
  /** Of the file. */
  readonly size: number;
  /** Where the member would end. */
  readonly expected?: number;
}

export function missingMember(path: string, location: string): MirrorError {
  return new MirrorError('mirror-not-found', `Cannot read "${path}" in "${location}": no such member`, {
    hint: 'The mirror is incomplete: make the archive anew',
    data: { location, path },
  });
}

/** The archive itself cannot be opened. */
export function unusable(location: string, cause: unknown): MirrorError {
  if (!isAbsent(cause)) return unreadable(location, cause);
  return new MirrorError('mirror-unreachable', `Cannot read mirror "${location}": no such file`, {
    hint: 'Check the path of the mirror',
    cause,
    data: { mirror: location },
  });
}

/** The mirror lies in a folder of the archive. */
export function tooDeep({ location, name, ...found }: TooDeep): MirrorError {
  const folder = displayPath(encodeSurrogateEscape(found.folder));
  return new MirrorError(
    'mirror-not-a-buildcache',
    `Cannot read "${location}" as a mirror: "${name}" is in the folder "${folder}", not at the top`,
    { hint: `Make it with "tar cf FILE.tar -C ${folder} ."`, data: { location, name, folder } },
  );
}

interface TooDeep {
  readonly location: string;
  readonly name: string;
  readonly folder: string;
}
