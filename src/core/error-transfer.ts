// Errors as plain data, so that they can be posted to another thread and rebuilt there.
import {
  ArchiveError,
  BuildcacheError,
  type ErrorCode,
  IntegrityError,
  MetadataError,
  MirrorError,
  RelocationError,
  SignatureError,
  StoreError,
  UsageError,
} from './errors.js';

export interface TransferredError {
  /** The class name; undefined for an error that is not a BuildcacheError. */
  readonly family: string | undefined;
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly data: Readonly<Record<string, unknown>>;
  readonly stack: string | undefined;
}

const FAMILIES: Readonly<Record<string, unknown>> = {
  ArchiveError,
  IntegrityError,
  MetadataError,
  MirrorError,
  RelocationError,
  SignatureError,
  StoreError,
  UsageError,
};

/** The part of an error that can be posted. */
export function errorToData(error: unknown): TransferredError {
  if (error instanceof BuildcacheError) {
    const { name, code, message, hint, retryable, data, stack } = error;
    return { family: name, code, message, hint, retryable, data: plain(data), stack };
  }
  const system = error as Partial<NodeJS.ErrnoException>;
  const data = { syscall: system?.syscall, errno: system?.errno, path: system?.path };
  const message = error instanceof Error ? error.message : String(error);
  return {
    family: undefined,
    code: system?.code ?? '',
    message,
    hint: undefined,
    retryable: false,
    data,
    stack: system?.stack,
  };
}

/** Rebuilds a transferred error with its class, code and facts. */
export function errorFromData(transferred: TransferredError): Error {
  const { family, code, message, hint, retryable, data } = transferred;
  const Family = family === undefined ? undefined : FAMILIES[family];
  if (Family === undefined) return Object.assign(new Error(message), { code, ...data });
  const details = { retryable, data, ...(hint === undefined ? {} : { hint }) };
  return new (Family as typeof BuildcacheError)(code as ErrorCode, message, details);
}

/** Facts that cannot be posted become text. */
function plain(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
}
