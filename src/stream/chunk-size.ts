// The size of the chunks passed from stage to stage: smaller ones cost more calls, larger ones more memory without being faster.

export const CHUNK_SIZE = 256 * 1024;

/** How much a stage buffers for a slow reader. */
export const QUEUE_SIZE = 1024 * 1024;
