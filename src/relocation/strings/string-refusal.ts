// What a package is told that cannot move since a C string has no room: which one it is, and what would fit.
import { toLatin1 } from '../../core/bytes.js';
import { RelocationError } from '../../core/errors.js';
import { displayPath } from '../../tar/safe-path.js';
import type { RelocationPlan } from '../plan/plan.js';
import { isBelow } from '../plan/root-alias.js';
import type { RootLengthOf } from './string-room.js';

/** What a refused string is read from. */
export interface RefusedFile {
  readonly size: number;
  readInto(target: Uint8Array, offset: number): number;
}

/** Longer ones are cut in messages. */
const LONGEST_SHOWN = 4096;

export function isStringRefusal(error: unknown): error is RelocationError {
  return (
    error instanceof RelocationError &&
    (error.code === 'cannot-grow-string' || error.code === 'cannot-shrink-string') &&
    typeof error.data.offset === 'number'
  );
}

/** Roots that the user can choose anew, with what they are called; latin1 strings. */
export interface RootChoice {
  readonly path: string;
  readonly what: 'root' | 'alias' | 'prefix';
}

/** The choice that a new prefix goes back to. */
export function choiceOf(replacement: string, choices: readonly RootChoice[]): RootChoice | undefined {
  return choices.find(({ path }) => isBelow(replacement, path));
}

/** The roots that a plan goes back to. */
export function rootChoices({ newLayoutRoot, aliasRoot }: RelocationPlan): readonly RootChoice[] {
  const root = { path: newLayoutRoot, what: 'root' } as const;
  return aliasRoot === undefined ? [root] : [{ path: aliasRoot, what: 'alias' }, root];
}

export function rootLengths(choice: RootChoice): RootLengthOf {
  return (replacement) => (isBelow(toLatin1(replacement), choice.path) ? choice.path.length : undefined);
}

export interface RefusalFacts {
  readonly error: RelocationError;
  readonly file: RefusedFile;
  readonly choice: RootChoice | undefined;
  /** For all strings of the package; undefined where no choice of the user's helps. */
  readonly longest: number | undefined;
  /** Only this one string is known. */
  readonly isOne?: boolean;
}

/** The error with the whole string, where it is, and how long the root may be. */
export function explainRefusal({ error, file, choice, longest, isOne }: RefusalFacts): RelocationError {
  const offset = Number(error.data.offset);
  const string = wholeString(file, offset);
  const fitting = longest !== undefined && longest > 1 ? longest : undefined;
  const place = `: "${displayPath(string)}" at byte ${offset}`;
  const limit =
    choice === undefined || fitting === undefined
      ? ''
      : `; the longest ${choice.what} that fits ${isOne ? 'it' : 'all such strings'} has ${fitting} bytes`;
  const grows = error.code === 'cannot-grow-string';
  const hint = hintFor({ choice, bytes: fitting, grows });
  return new RelocationError(error.code, `${error.message}${place}${limit}`, {
    cause: error.cause ?? error,
    hint: hint ?? error.hint ?? 'Push with more padding, or install to a shorter root',
    data: {
      ...error.data,
      string,
      ...(fitting === undefined || choice === undefined
        ? {}
        : { longestRoot: fitting, root: displayPath(choice.path) }),
    },
  });
}

interface HintFacts {
  readonly choice: RootChoice | undefined;
  readonly bytes: number | undefined;
  /** Whether the string must grow: only there an alias helps. */
  readonly grows: boolean;
}

function hintFor({ choice, bytes, grows }: HintFacts): string | undefined {
  if (choice === undefined || bytes === undefined) return undefined;
  if (choice.what === 'alias') return `Choose an alias of at most ${bytes} bytes`;
  const alias = grows ? `, or give an alias of at most ${bytes} bytes to stand in such strings` : '';
  const shorter = choice.what === 'root' ? 'Install to a root' : 'Choose a new prefix';
  return `${shorter} of at most ${bytes} bytes${alias && `${alias} (${OPTIONS[choice.what]})`}`;
}

const OPTIONS = { root: '--alias-root', prefix: '--alias' } as const;

/** From a match to the end of its string. */
function wholeString(file: RefusedFile, offset: number): string {
  const bytes = new Uint8Array(Math.max(0, Math.min(LONGEST_SHOWN, file.size - offset)));
  const read = bytes.subarray(0, file.readInto(bytes, offset));
  const end = read.indexOf(0);
  return toLatin1(end < 0 ? read : read.subarray(0, end));
}
