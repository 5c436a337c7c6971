// What is wrong in a build cache, or worth knowing.
import { BuildcacheError, type ErrorCode } from '../../core/errors.js';
import type { Spec } from '../../spec/spec.js';

export type FindingCode =
  | ErrorCode
  | 'index-package-missing' // an index offers a package that is not there
  | 'package-not-indexed' // the index does not offer a package that is there
  | 'package-twice' // signed and unsigned metadata of one package
  | 'key-not-indexed'
  | 'key-missing-in-mirror' // the index of keys names a key that is not there
  | 'content-unreferenced' // content that nothing names
  | 'file-unknown'; // no file of this layout

export interface PackageName {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
}

export interface Finding {
  /** A note does not make a mirror wrong. */
  readonly severity: 'error' | 'note';
  readonly code: FindingCode;
  readonly location: string;
  readonly message: string;
  readonly hint?: string;
  readonly package?: PackageName;
}

export class Findings {
  readonly #found: Finding[] = [];

  add(finding: Finding): void {
    this.#found.push(finding);
  }

  /** What a failure tells; one that is a bug is thrown. */
  addError(
    error: unknown,
    { location, spec }: { readonly location: string; readonly spec?: Spec | undefined },
  ): void {
    if (!(error instanceof BuildcacheError)) throw error;
    const { code, message, hint } = error;
    this.add({
      severity: 'error',
      code,
      location,
      message,
      ...(hint !== undefined && { hint }),
      ...(spec !== undefined && { package: packageNameOf(spec) }),
    });
  }

  /** Errors first, then by place. */
  sorted(): Finding[] {
    return [...this.#found].sort((a, b) => compare(sortKey(a), sortKey(b)));
  }
}

export function packageNameOf({ root }: Pick<Spec, 'root'>): PackageName {
  const { name, version, hash } = root;
  return { name, version, hash };
}

function sortKey({ severity, location, code }: Finding): string {
  return `${severity === 'error' ? 0 : 1}${location}\0${code}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
