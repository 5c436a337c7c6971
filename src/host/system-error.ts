// System errors in words, with their codes.

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the disk quota is exceeded',
  EEXIST: 'it already exists',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the path is too long',
  ENFILE: 'too many open files on this machine',
  ENOENT: 'it does not exist',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'part of the path is not a directory',
  ENOTEMPTY: 'the directory is not empty',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ETXTBSY: 'the program is running',
  EXDEV: 'it is on another file system',
};

/** Shown without their code: the words say everything. */
const WITHOUT_CODE: readonly string[] = ['ENAMETOOLONG'];

/** The `code` of a failed system call, such as `ENOENT`; undefined for any other error. */
export function systemErrorCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/**
 * Describes a failed operation in words.
 * @example describeSystemError(cause) // 'permission denied (EACCES)'
 */
export function describeSystemError(cause: unknown): string {
  const code = systemErrorCode(cause);
  if (code === undefined) return String(cause);
  const words = WORDS[code];
  if (words === undefined) return code;
  return WITHOUT_CODE.includes(code) ? words : `${words} (${code})`;
}

/** Says whether the disk or the quota is full. */
export function isDiskFull(cause: unknown): boolean {
  const code = systemErrorCode(cause);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Says whether no file exists at the path, or none can: a part of it is not a directory. */
export function isAbsent(cause: unknown): boolean {
  const code = systemErrorCode(cause);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
