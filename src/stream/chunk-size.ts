// How large the pieces are in which bytes go from stage to stage: small ones cost more calls, larger ones more memory, and save nothing.

export const CHUNK_SIZE = 256 * 1024;

/** How much a stage holds for a reader that is behind. */
export const QUEUE_SIZE = 1024 * 1024;
