// A retry policy that waits for nothing and notes what it was asked.

import type { RetryPolicy, RetryRequest } from '../../../src/transport/http/retry-policy.js';

export function recordingRetry(attempts = 4): RetryPolicy & { readonly waits: RetryRequest[] } {
  const waits: RetryRequest[] = [];
  return {
    attempts,
    waits,
    wait: async (request) => {
      waits.push(request);
    },
  };
}

/** Collects a stream into one buffer, and its chunk sizes. */
export async function collect(
  body: ReadableStream<Uint8Array>,
): Promise<{ bytes: Buffer; sizes: readonly number[] }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), sizes: chunks.map((chunk) => chunk.length) };
}
