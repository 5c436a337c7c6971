// Bundles what users start: the library, the command line and the workers, into a few files beside each other. 300 modules one by one
// cost a tenth of a second at every start, and some megabytes in every worker. Dependencies stay packages of their own.
import { build } from 'esbuild';

await build({
  entryPoints: [
    'src/index.ts',
    'src/cli/main.ts',
    'src/operations/workers/core-worker.ts',
    'src/stream/gzip/deflate-worker.ts',
  ],
  // As deep below the package's root as the modules of dist/src, whose relative URLs must lead to the same files.
  outdir: 'dist/bundle/lib',
  entryNames: '[name]',
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
});
