// Every case, in the order in which they run.
import type { BenchCase } from '../case.js';
import { END_TO_END_CASES } from './end-to-end.js';
import { INDEX_CASES } from './index-cases.js';
import { KERNEL_CASES } from './kernel.js';
import { MEMORY_CASES } from './memory.js';
import { PUSH_CASES } from './push.js';
import { RELOCATION_CASES } from './relocation.js';
import { SCALING_CASES } from './scaling.js';
import { STAGE_CASES } from './stage.js';
import { WRITE_BENCHES } from './write.js';

export const ALL_CASES: readonly BenchCase[] = [
  ...KERNEL_CASES,
  ...WRITE_BENCHES,
  ...STAGE_CASES,
  ...RELOCATION_CASES,
  ...END_TO_END_CASES,
  ...PUSH_CASES,
  ...INDEX_CASES,
  ...MEMORY_CASES,
  ...SCALING_CASES,
];
