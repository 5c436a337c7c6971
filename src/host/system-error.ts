// What the operating system says when it refuses something: its code, and what that means in words.

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the disk quota is exceeded',
  EEXIST: 'it exists already',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the path is too long',
  ENFILE: 'too many files are open on this machine',
  ENOENT: 'it does not exist',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of its path is not a directory',
  ENOTEMPTY: 'the directory is not empty',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read only',
  ETXTBSY: 'the program is running',
  EXDEV: 'it lies on another file system',
};

/** The words are all there is to say: who reads them need not look the code up. */
const WITHOUT_CODE: readonly string[] = ['ENAMETOOLONG'];

/** The `code` of a failed system call, such as `ENOENT`; undefined for any other error. */
export function systemErrorCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/**
 * What a failed operation means, in words.
 * @example describeSystemError(cause) // 'permission denied (EACCES)'
 */
export function describeSystemError(cause: unknown): string {
  const code = systemErrorCode(cause);
  if (code === undefined) return String(cause);
  const words = WORDS[code];
  if (words === undefined) return code;
  return WITHOUT_CODE.includes(code) ? words : `${words} (${code})`;
}

/** Says whether there is no room for what was to be written. */
export function isDiskFull(cause: unknown): boolean {
  const code = systemErrorCode(cause);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Says whether there is no such file, and none can be found at such a path. */
export function isAbsent(cause: unknown): boolean {
  const code = systemErrorCode(cause);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
