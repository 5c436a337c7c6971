// The locks of a store: those that Spack takes, so that both can work on one tree at the same time; where the system has no record
// locks, lock files that only regraft knows. FORMATS.md §2 "Locks", DESIGN.md §4.
import { closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LockTimeouts } from '../../config/store-settings.js';
import { StoreError } from '../../core/errors.js';
import { lockFileOwner, tryLockFile, unlockFile } from '../../host/lock-file.js';
import { systemErrorCode } from '../../host/system-error.js';
import type { DagHash } from '../../spec/spec.js';
import { storeIoError } from '../store-io.js';
import type { StorePaths } from '../store-layout.js';
import { prefixLockRange } from './prefix-lock-range.js';
import { type LockMode, type LockRange, loadRecordLocks, type RecordLocks } from './record-lock.js';
import { takeTurn } from './turnstile.js';

/** Spack's default for its database (`config:db_lock_timeout`), in milliseconds. */
const DATABASE_TIMEOUT = 60_000;
/** Spack waits for a prefix forever. Its holder may be compiling for hours, so regraft gives up after this time. */
const PREFIX_TIMEOUT = 120_000;
const FIRST_POLL = 5;
const LONGEST_POLL = 100;
/** A longer timer would fire at once in Node. */
const LONGEST_TIMER = 2 ** 31 - 1;
const WHOLE_FILE: LockRange = { offset: 0, length: 0 };

export interface StoreLocksOptions {
  readonly paths: StorePaths;
  /** Do not take Spack's locks; other regraft processes are still kept out. */
  readonly noLock?: boolean;
  readonly timeouts?: LockTimeouts;
  /** The system's record locks; by default those of the optional addon. */
  readonly recordLocks?: RecordLocks | undefined;
}

export interface LockRequest {
  readonly mode?: LockMode;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; overrides that of the store. */
  readonly timeout?: number;
}

export interface HeldLock {
  /** Releases the lock; a second call does nothing. */
  release(): void;
}

interface LockTarget {
  readonly what: string;
  readonly path: string;
  readonly range: LockRange;
  readonly file: string;
  readonly timeout: number;
}

export class StoreLocks {
  /** `record`: Spack's own locks; `file`: lock files that only regraft knows. */
  readonly kind: 'record' | 'file';
  readonly #paths: StorePaths;
  readonly #noLock: boolean;
  readonly #timeouts: LockTimeouts;
  readonly #recordLocks: RecordLocks | undefined;

  constructor(options: StoreLocksOptions) {
    this.#paths = options.paths;
    this.#noLock = options.noLock ?? false;
    this.#timeouts = options.timeouts ?? {};
    this.#recordLocks = 'recordLocks' in options ? options.recordLocks : loadRecordLocks();
    this.kind = this.#noLock || this.#recordLocks === undefined ? 'file' : 'record';
  }

  /**
   * Takes the lock on the database.
   *
   * @throws StoreError `database-locked` after the timeout, `locks-unavailable` if Spack's locks are in use and cannot be taken.
   */
  database(request: LockRequest = {}): Promise<HeldLock> {
    return this.#acquire(request, {
      what: 'the database',
      path: this.#paths.databaseLock,
      range: WHOLE_FILE,
      file: join(this.#paths.privateFolder, 'lock'),
      timeout: request.timeout ?? this.#timeouts.database ?? DATABASE_TIMEOUT,
    });
  }

  /** Takes the lock on one package's prefix; throws the same errors as for the database. */
  prefix(hash: DagHash, request: LockRequest = {}): Promise<HeldLock> {
    return this.#acquire(request, {
      what: `the prefix of "${hash}"`,
      path: this.#paths.prefixLock,
      range: prefixLockRange(hash),
      file: join(this.#paths.privateFolder, `lock-${hash}`),
      timeout: request.timeout ?? this.#timeouts.prefix ?? PREFIX_TIMEOUT,
    });
  }

  /** Fails early if locks cannot be taken; throws StoreError `locks-unavailable`. */
  requireUsable(): void {
    if (this.kind === 'file') this.#refuseWithoutSpackLocks();
  }

  async #acquire(request: LockRequest, target: LockTarget): Promise<HeldLock> {
    const { signal, mode = 'exclusive' } = request;
    signal?.throwIfAborted();
    if (this.kind === 'record' && this.#recordLocks !== undefined)
      return this.#acquireRecord(this.#recordLocks, target, mode, signal);
    this.requireUsable();
    return this.#acquireFile(target, signal);
  }

  async #acquireRecord(
    locks: RecordLocks,
    target: LockTarget,
    mode: LockMode,
    signal: AbortSignal | undefined,
  ): Promise<HeldLock> {
    const deadline = Date.now() + target.timeout;
    const endTurn =
      mode === 'exclusive'
        ? await turnBefore(`${target.path}:${target.range.offset}`, target, signal)
        : () => {};
    let descriptor: number | undefined;
    try {
      const opened = openLockFile(target.path, mode);
      descriptor = opened;
      await poll({ target, deadline, signal, attempt: () => tryRecordLock(locks, opened, target, mode) });
      return held(() => {
        // Closing the descriptor releases the lock: no other descriptor shares its open file description.
        closeSync(opened);
        endTurn();
      });
    } catch (cause) {
      if (descriptor !== undefined) closeSync(descriptor);
      endTurn();
      throw cause;
    }
  }

  async #acquireFile(target: LockTarget, signal: AbortSignal | undefined): Promise<HeldLock> {
    const deadline = Date.now() + target.timeout;
    const endTurn = await turnBefore(target.file, target, signal);
    try {
      mkdirSync(this.#paths.privateFolder, { recursive: true });
      await poll({ target, deadline, signal, attempt: () => tryLockFile(target.file) });
      return held(() => {
        unlockFile(target.file);
        endTurn();
      });
    } catch (cause) {
      endTurn();
      if (signal?.aborted) throw cause;
      throw storeIoError('lock', target.file, cause);
    }
  }

  /** A tree that Spack uses must not be written without its locks, unless the user takes the risk. */
  #refuseWithoutSpackLocks(): void {
    if (this.#noLock) return;
    const used = [this.#paths.databaseLock, this.#paths.prefixLock].find((path) => existsSync(path));
    if (used === undefined) return;
    throw locksUnavailable(used, 'the package "fs-native-extensions" cannot be loaded on this system');
  }
}

/** Waits for the turn in this process, at most as long as for the lock itself. */
async function turnBefore(
  key: string,
  target: LockTarget,
  signal: AbortSignal | undefined,
): Promise<() => void> {
  if (target.timeout > LONGEST_TIMER) return takeTurn(key, signal);
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(timedOut(target)), target.timeout);
  try {
    return await takeTurn(key, signal === undefined ? timer.signal : AbortSignal.any([signal, timer.signal]));
  } finally {
    clearTimeout(timeout);
  }
}

interface Polling {
  readonly target: LockTarget;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly attempt: () => boolean;
}

async function poll({ target, deadline, signal, attempt }: Polling): Promise<void> {
  let wait = FIRST_POLL;
  while (!attempt()) {
    const left = deadline - Date.now();
    if (left <= 0) throw timedOut(target);
    await pause(Math.min(wait, left), signal);
    wait = Math.min(wait * 2, LONGEST_POLL);
  }
}

/** An aborted timer throws its own error; throw the signal's reason instead. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch {
    signal?.throwIfAborted();
  }
}

function openLockFile(path: string, mode: LockMode): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o666);
  } catch (cause) {
    if (mode === 'shared') return openForReading(path, cause);
    throw storeIoError('open', path, cause, 'root-unusable');
  }
}

function openForReading(path: string, first: unknown): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch {
    throw storeIoError('open', path, first, 'root-unusable');
  }
}

function tryRecordLock(locks: RecordLocks, descriptor: number, target: LockTarget, mode: LockMode): boolean {
  try {
    return locks.tryLock(descriptor, target.range, mode);
  } catch (cause) {
    // POSIX allows EACCES for a lock that another process holds.
    if (systemErrorCode(cause) === 'EACCES') return false;
    throw locksUnavailable(
      target.path,
      `the file system has no record locks (${systemErrorCode(cause) ?? String(cause)})`,
      cause,
    );
  }
}

function locksUnavailable(path: string, state: string, cause?: unknown): StoreError {
  return new StoreError('locks-unavailable', `Cannot take Spack's lock "${path}": ${state}`, {
    hint: 'If no Spack is using this tree, --no-lock writes without its locks',
    cause,
    data: { path },
  });
}

function timedOut({ what, path, file, timeout }: LockTarget): StoreError {
  const owner = lockFileOwner(file);
  const seconds = Math.ceil(timeout / 1000);
  const holder = owner === undefined ? 'another process' : `process ${owner.pid} on "${owner.host}"`;
  return new StoreError(
    'database-locked',
    `Cannot lock ${what}: ${holder} held it for more than ${seconds} s`,
    {
      hint:
        owner === undefined
          ? 'Wait for the other process to finish'
          : `Wait for it; if it is gone, remove "${file}"`,
      retryable: true,
      data: {
        path: owner === undefined ? path : file,
        timeout,
        ...(owner ? { pid: owner.pid, host: owner.host } : {}),
      },
    },
  );
}

function held(end: () => void): HeldLock {
  let isHeld = true;
  return {
    release() {
      if (!isHeld) return;
      isHeld = false;
      end();
    },
  };
}
