// Versions as Spack orders them, and the ranges of a constraint (Spack's documentation, "Version specifiers"; vectors in test/spec).
// The order follows the reference: words come before numbers, so 1.0rc1 sorts after 1.0 (Spack 0.22 and later: before it).

/** Words that sort after every number, oldest first. */
const INFINITY_WORDS = ['stable', 'trunk', 'head', 'master', 'main', 'develop'] as const;

const SEGMENT = /([0-9]+)|[A-Za-z]+/g;
const VERSION_TEXT = /^[A-Za-z0-9_.-][=A-Za-z0-9_.-]*$/;
const COMMIT = /^[0-9a-f]{40}$/;
const GIT_PREFIX = 'git.';

/** One segment: a word, a number (digits without leading zeros), or an index into the infinity words. Ordered by rank. */
type Segment =
  | { readonly rank: 0; readonly word: string }
  | { readonly rank: 1; readonly digits: string }
  | { readonly rank: 2; readonly index: number };

export interface Version {
  readonly text: string;
  /** The segments for ordering; undefined for a git reference without an assigned version. */
  readonly segments: readonly Segment[] | undefined;
  /** The branch, tag or commit of a git version. */
  readonly gitRef: string | undefined;
}

export type VersionRange =
  | { readonly type: 'exact'; readonly version: Version }
  /** Both ends are included, and so are versions that start with the upper end: `:1.2` includes 1.2.9. */
  | { readonly type: 'range'; readonly low: Version | undefined; readonly high: Version | undefined };

/** Reads a version; any text is valid, but not every text can be ordered. */
export function parseVersion(text: string): Version {
  if (!isGitVersion(text)) return { text, segments: readSegments(text), gitRef: undefined };
  const bare = text.startsWith(GIT_PREFIX) ? text.slice(GIT_PREFIX.length) : text;
  const equals = bare.indexOf('=');
  if (equals < 0) return { text, segments: undefined, gitRef: bare };
  return { text, segments: readSegments(bare.slice(equals + 1)), gitRef: bare.slice(0, equals) };
}

/**
 * Orders two versions, oldest first. Of equal versions, the one with a git reference is newer.
 *
 * @returns a negative number, zero or a positive one.
 */
export function compareVersions(a: Version, b: Version): number {
  const order = compareSegments(a.segments ?? [], b.segments ?? []);
  return order === 0 ? compareTexts(a.gitRef ?? '', b.gitRef ?? '') : order;
}

/**
 * Reads one item of a version list: `1.2`, `=1.2`, `1.2:1.4`, `1.2:`, `:1.4`, `:`, `git.main=1.2`.
 *
 * @returns undefined when it is invalid, or an empty range.
 */
export function parseVersionRange(text: string): VersionRange | undefined {
  if (text.startsWith('=')) return exactRange(text.slice(1));
  if (isGitVersion(text)) return exactRange(text);
  const ends = text.split(':');
  if (ends.length > 2 || !ends.every(isEndOfRange)) return undefined;
  const [low, high] = ends.map((end) => (end === '' ? undefined : parseVersion(end)));
  if (ends.length === 1) return text === '' ? undefined : { type: 'range', low, high: low };
  const isEmpty = low !== undefined && high !== undefined && !isWithinUpperEnd(low, high);
  return isEmpty ? undefined : { type: 'range', low, high };
}

/** Tells whether a version is in one of the ranges. */
export function isVersionIn(version: Version, ranges: readonly VersionRange[]): boolean {
  return ranges.some((range) =>
    range.type === 'exact' ? isSame(version, range.version) : isInside(version, range),
  );
}

function isGitVersion(text: string): boolean {
  return text.startsWith(GIT_PREFIX) || COMMIT.test(text) || text.indexOf('=') > 0;
}

function exactRange(text: string): VersionRange | undefined {
  if (text === '' || text.includes(':')) return undefined;
  return { type: 'exact', version: parseVersion(text) };
}

function isEndOfRange(text: string): boolean {
  return text === '' || (VERSION_TEXT.test(text) && !text.includes('='));
}

function readSegments(text: string): readonly Segment[] {
  return [...text.matchAll(SEGMENT)].map(([word, digits]) => {
    if (digits !== undefined) return { rank: 1, digits: digits.replace(/^0+(?=.)/, '') };
    const index = INFINITY_WORDS.indexOf(word as (typeof INFINITY_WORDS)[number]);
    return index < 0 ? { rank: 0, word } : { rank: 2, index };
  });
}

function compareSegments(a: readonly Segment[], b: readonly Segment[]): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const [left, right] = [a[i], b[i]];
    const order = left === undefined || right === undefined ? 0 : compareSegment(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareSegment(a: Segment, b: Segment): number {
  if (a.rank === 0 && b.rank === 0) return compareTexts(a.word, b.word);
  if (a.rank === 1 && b.rank === 1) {
    return a.digits.length - b.digits.length || compareTexts(a.digits, b.digits);
  }
  if (a.rank === 2 && b.rank === 2) return a.index - b.index;
  return a.rank - b.rank;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** A plain version never matches a git version, even an equal one; a reference without a version matches any with that reference. */
function isSame(version: Version, wanted: Version): boolean {
  if (version.gitRef !== wanted.gitRef) return false;
  if (wanted.segments === undefined) return true;
  return version.segments !== undefined && compareSegments(version.segments, wanted.segments) === 0;
}

function isInside(version: Version, { low, high }: VersionRange & { type: 'range' }): boolean {
  if (low === undefined && high === undefined) return true;
  if (version.segments === undefined) return false;
  if (low !== undefined && compareSegments(version.segments, low.segments ?? []) < 0) return false;
  return high === undefined || isWithinUpperEnd(version, high);
}

/** Tells whether a version is below the successor of the upper end, whose last segment is incremented by one. */
function isWithinUpperEnd(version: Version, high: Version): boolean {
  const segments = version.segments ?? [];
  const bound = high.segments ?? [];
  const last = bound.at(-1);
  if (last === undefined) return segments.length === 0;
  const before = compareSegments(segments.slice(0, bound.length - 1), bound.slice(0, -1));
  if (before !== 0) return before < 0;
  const segment = segments[bound.length - 1];
  if (segment === undefined || compareSegment(segment, last) <= 0) return true;
  return last.rank === 0 && compareSegment(segment, { rank: 0, word: nextWord(last.word) }) < 0;
}

/** The successor of a word in Spack's ranges; never one of the infinity words. */
function nextWord(word: string): string {
  const last = word.at(-1) ?? 'z';
  const head = word.slice(0, -1);
  const next =
    last === 'z' ? `${word}A` : head + (last === 'Z' ? 'a' : String.fromCharCode(last.charCodeAt(0) + 1));
  return INFINITY_WORDS.some((infinity) => infinity === next) ? nextWord(next) : next;
}
