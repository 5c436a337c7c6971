// Removes the output of earlier builds: a compiled test whose source is gone must not run.
import { rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
