// When to retry a failed request, and how long to wait first: exponential backoff with full jitter,
// or the time from `Retry-After` (RFC 9110 §10.2.3), up to a limit.

import { setTimeout as delay } from 'node:timers/promises';
import type { RetryBudget } from './retry-budget.js';

export interface RetryPolicy {
  /** Maximum number of attempts, including the first. */
  readonly attempts: number;
  /** Waits before the next attempt; `attempt` is the number of the one that failed, counted from 1. */
  wait(request: RetryRequest): Promise<void>;
  /** What retries are taken from; unlimited without it. */
  readonly budget?: RetryBudget | undefined;
}

export interface RetryRequest {
  readonly attempt: number;
  /** How long the server asked to wait, in milliseconds, if it did. */
  readonly retryAfter: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface BackoffOptions {
  readonly attempts?: number;
  /** Upper end of the first pause, in milliseconds; it doubles with each attempt. */
  readonly base?: number;
  readonly longest?: number;
  /** Longest wait that `Retry-After` can request, in milliseconds. */
  readonly longestRetryAfter?: number;
  readonly budget?: RetryBudget | undefined;
  readonly random?: () => number;
  readonly sleep?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** Makes the policy that HTTP mirrors use: four attempts, pauses of up to 0.5, 1 and 2 seconds. */
export function exponentialBackoff(options: BackoffOptions = {}): RetryPolicy {
  const { attempts = 4, base = 500, longest = 10_000, longestRetryAfter = 30_000 } = options;
  const { random = Math.random, sleep = sleepFor } = options;
  return {
    attempts,
    budget: options.budget,
    wait: ({ attempt, retryAfter, signal }) => {
      const ceiling = Math.min(longest, base * 2 ** (attempt - 1));
      const pause = retryAfter === undefined ? ceiling * random() : Math.min(retryAfter, longestRetryAfter);
      return sleep(Math.round(pause), signal);
    },
  };
}

async function sleepFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(milliseconds, undefined, signal && { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}

/** Reads a `Retry-After` header: seconds, or a date. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
