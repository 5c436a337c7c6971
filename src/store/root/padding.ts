// Padding: a store root made longer with placeholder components, so that whatever is built there has room for longer prefixes.
// FORMATS.md §5 "Padding"; Spack `spack.util.path`: `add_padding`, `padding_filter`.
import { LONGEST_PADDED_LENGTH } from '../../config/install-tree.js';
import { UsageError } from '../../core/errors.js';

const PLACEHOLDER = '__spack_path_placeholder__';

/**
 * Appends placeholder components to a root until it has `length` characters, as Spack does: a root that is too long already stays
 * as it is, and one that lacks a single character gets a `/`, which no path keeps.
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
 * @throws UsageError `padding` when the root is longer than `length`, or just one character shorter.
 */
export function padRoot(root: string, length: number): string {
  if (!Number.isSafeInteger(length) || length <= 0)
    throw new UsageError(
      'padding',
      `Cannot pad "${root}" to ${length} characters: the length is no positive integer`,
      {
        data: { root, length },
      },
    );
  if (length > LONGEST_PADDED_LENGTH)
    throw new UsageError(
      'padding',
      `Cannot pad "${root}" to ${length} characters: paths below it would be too long`,
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
  const state = `it has ${root.length} already`;
  return new UsageError('padding', `Cannot pad "${root}" to ${length} characters: ${state}`, {
    hint: `Use ${root.length} characters, or ${root.length + 2} and more`,
    data: { root, length, actual: root.length },
  });
}

/** Every beginning of the placeholder, the longest first; the empty one is not among them. */
const CUT_PLACEHOLDER = Array.from(PLACEHOLDER, (_, index) =>
  PLACEHOLDER.slice(0, PLACEHOLDER.length - index),
).join('|');

const TRAILING_PADDING = new RegExp(`(?:/${PLACEHOLDER})+(?:/(?:${CUT_PLACEHOLDER}))?/*$`);

/** The root without its padding; what has no complete placeholder counts as not padded. */
export function unpaddedRoot(root: string): string {
  return root.replace(TRAILING_PADDING, '');
}

/**
 * Placeholders and a cut one, up to the end of the last component. Spack's filter wants a `/` behind them; here a path may also end
 * with its padding.
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

/** Where the path that reaches up to `until` begins: at the first `/` behind the last blank. */
function pathStart(text: string, from: number, until: number): number {
  let start = until;
  for (let at = until - 1; at >= from && !NOT_IN_A_PATH.test(text.charAt(at)); at--)
    if (text.charAt(at) === '/') start = at;
  return start;
}
