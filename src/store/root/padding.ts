// Padding: placeholder components that lengthen a store root, so that what is built there has room for longer prefixes.
// FORMATS.md §5 "Padding"; Spack `spack.util.path`: `add_padding`, `padding_filter`.
import { LONGEST_PADDED_LENGTH } from '../../config/install-tree.js';
import { UsageError } from '../../core/errors.js';

const PLACEHOLDER = '__spack_path_placeholder__';

/**
 * Appends placeholder components to a root until it has `length` characters, as Spack does: a root that is already too long is not
 * changed, and one that is a single character short gets a `/`, which is lost when paths are normalized.
 */
export function addPadding(root: string, length: number): string {
  const missing = length - root.length;
  if (missing <= 0) return root;
  const unit = PLACEHOLDER.length + 1;
  const whole = Math.floor((missing - 1) / unit);
  const separator = root.endsWith('/') ? '' : '/';
  return `${root}${separator}${`${PLACEHOLDER}/`.repeat(whole)}${PLACEHOLDER.slice(0, (missing - 1) % unit)}`;
}

/**
 * Makes a padded root of exactly `length` characters.
 *
 * @example padRoot('/opt', 15) // '/opt/__spack_pa'
 * @throws UsageError `padding` if the root is longer than `length`, or exactly one character shorter.
 */
export function padRoot(root: string, length: number): string {
  if (!Number.isSafeInteger(length) || length <= 0)
    throw new UsageError(
      'padding',
      `Cannot pad "${root}" to ${length} characters: the length is not a positive integer`,
      {
        data: { root, length },
      },
    );
  if (length > LONGEST_PADDED_LENGTH)
    throw new UsageError(
      'padding',
      `Cannot pad "${root}" to ${length} characters: paths below it would get too long`,
      {
        hint: `Use ${LONGEST_PADDED_LENGTH} characters or fewer`,
        data: { root, length, limit: LONGEST_PADDED_LENGTH },
      },
    );
  const missing = length - root.length;
  if (missing < 0 || missing === 1) throw impossible(root, length);
  return addPadding(root, length);
}

function impossible(root: string, length: number): UsageError {
  const state = `it already has ${root.length}`;
  return new UsageError('padding', `Cannot pad "${root}" to ${length} characters: ${state}`, {
    hint: `Use ${root.length} characters, or at least ${root.length + 2}`,
    data: { root, length, actual: root.length },
  });
}

/** Every non-empty prefix of the placeholder, longest first. */
const CUT_PLACEHOLDER = Array.from(PLACEHOLDER, (_, index) =>
  PLACEHOLDER.slice(0, PLACEHOLDER.length - index),
).join('|');

const TRAILING_PADDING = new RegExp(`(?:/${PLACEHOLDER})+(?:/(?:${CUT_PLACEHOLDER}))?/*$`);

/** The root without its padding; a root without a complete placeholder counts as not padded. */
export function unpaddedRoot(root: string): string {
  return root.replace(TRAILING_PADDING, '');
}

/**
 * Placeholders and a truncated one, up to the end of the last component. Spack's filter requires a `/` after them; here a path may
 * also end with its padding.
 */
const PADDING = new RegExp(`(?:/${PLACEHOLDER})+(?:/(?:${CUT_PLACEHOLDER}))?(?=$|[\\s/"'\`:;,)\\]])`, 'g');

const NOT_IN_A_PATH = /\s/;

/**
 * Replaces padding by its length, so that output stays readable: `/a/[padded-to-512-chars]/bin`.
 *
 * The number is the length of the path from its first `/` to the end of the padding, as in Spack's output.
 */
export function hidePadding(text: string): string {
  let result = '';
  let end = 0;
  for (const match of text.matchAll(PADDING)) {
    const matchEnd = match.index + match[0].length;
    const start = pathStart(text, end, match.index);
    result += `${text.slice(end, match.index)}/[padded-to-${matchEnd - start}-chars]`;
    end = matchEnd;
  }
  return result + text.slice(end);
}

/** Start of the path that ends at `until`: the first `/` after the last space. */
function pathStart(text: string, from: number, until: number): number {
  let start = until;
  for (let at = until - 1; at >= from && !NOT_IN_A_PATH.test(text.charAt(at)); at--)
    if (text.charAt(at) === '/') start = at;
  return start;
}
