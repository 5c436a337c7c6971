// Kernels: each engine's inner loops on bytes in memory, against the strongest peer in this process.
import type { BenchCase, Contender } from '../case.js';
import { decompressionStreamCall, fflateCall, inflateCall, zlibCall } from '../contenders/inflate-calls.js';
import { engineContenders, kernelContender } from '../contenders/kernel.js';
import { pythonKernel } from '../contenders/python-calls.js';
import {
  cStringCall,
  elfCall,
  indexOfCall,
  replaceAllCall,
  scanCall,
  sha256Call,
  textCall,
  webCryptoCall,
  windowedCStringCall,
} from '../contenders/relocation-calls.js';
import { nodeTarCall, tarReaderCall, tarStreamCall } from '../contenders/tar-calls.js';
import type { BytesInputRecipe } from '../inputs/case-input.js';
import {
  codeInput,
  elfInput,
  everywhereInput,
  expectedCStrings,
  expectedElf,
  expectedHits,
  expectedText,
  expecting,
  gzipInput,
  noise,
  noMatchInput,
  paddingInput,
  prefixMapping,
  sharedStemInput,
  tarInput,
  textInput,
} from '../inputs/kernel-input.js';

type KernelCase = Pick<BenchCase, 'name' | 'why' | 'contenders' | 'baseline' | 'runs' | 'expected'> & {
  readonly make: BytesInputRecipe['make'];
};

function kernelCase({ make, ...rest }: KernelCase): BenchCase {
  return {
    ...rest,
    group: 'kernel',
    metric: 'cpu',
    roundFactor: 2,
    input: { type: 'bytes', name: rest.name, make },
  };
}

const ZLIB = 'createGunzip, 1 MiB chunks';
const INDEX_OF = 'Buffer.indexOf of the common root';

const inflaters: readonly Contender[] = [
  kernelContender(ZLIB, (input) => zlibCall(input, 1 << 20)),
  kernelContender('createGunzip, 16 KiB chunks', (input) => zlibCall(input, 1 << 14)),
  kernelContender('DecompressionStream', decompressionStreamCall),
  kernelContender('fflate', fflateCall),
  pythonKernel('Python gzip', 'inflate'),
  ...engineContenders((engine, input) => inflateCall(engine.createInflater(), input)),
];

const scanners: readonly Contender[] = [
  kernelContender(INDEX_OF, indexOfCall, 'places of the root'),
  pythonKernel('Python re', 'scan'),
  ...engineContenders(scanCall),
];

const sixty = () => prefixMapping(60);

export const KERNEL_CASES: readonly BenchCase[] = [
  kernelCase({
    name: 'inflate: machine code',
    why: 'inflating is the limit of every installation; chunk size doubles zlib',
    make: () => gzipInput(codeInput({ megabytes: 40, mapping: sixty(), distance: 40_000 }).bytes),
    contenders: inflaters,
    baseline: ZLIB,
    runs: 'both',
  }),
  kernelCase({
    name: 'inflate: text',
    why: 'headers and scripts have short matches near by, other than machine code',
    make: () => gzipInput(textInput(20, sixty()).bytes),
    contenders: inflaters,
    baseline: ZLIB,
  }),
  kernelCase({
    name: 'inflate: incompressible',
    why: 'stored blocks: nothing but copies',
    make: () => gzipInput(noise(20)),
    contenders: inflaters,
    baseline: ZLIB,
  }),
  kernelCase({
    name: 'scan: 60 prefixes',
    why: 'the usual: one padded root, a path now and then',
    make: () => expecting(codeInput({ megabytes: 40, mapping: sixty(), distance: 40_000 }), expectedHits),
    contenders: scanners,
    baseline: INDEX_OF,
    runs: 'both',
  }),
  kernelCase({
    name: 'scan: 1 prefix',
    why: 'the cost must not grow with the number of prefixes: compare with 60',
    make: () =>
      expecting(codeInput({ megabytes: 40, mapping: prefixMapping(1), distance: 40_000 }), expectedHits),
    contenders: scanners,
    baseline: INDEX_OF,
  }),
  kernelCase({
    name: 'scan: no match',
    why: 'most files have none: the cost of looking',
    make: () => expecting(noMatchInput(40, sixty()), expectedHits),
    contenders: scanners,
    baseline: INDEX_OF,
  }),
  kernelCase({
    name: 'scan: match everywhere',
    why: 'hostile: the cost of hits',
    make: () => expecting(everywhereInput(8, sixty()), expectedHits),
    contenders: scanners,
    baseline: INDEX_OF,
  }),
  kernelCase({
    name: 'scan: shared stems',
    why: 'hostile: the root is everywhere, a prefix nowhere',
    make: () => expecting(sharedStemInput(8, sixty()), expectedHits),
    contenders: scanners,
    baseline: INDEX_OF,
  }),
  kernelCase({
    name: 'scan: deep padding',
    why: 'hostile: padding begins like the root again and again',
    make: () => expecting(paddingInput(8, sixty()), expectedHits),
    contenders: scanners,
    baseline: INDEX_OF,
  }),
  kernelCase({
    name: 'text: 60 prefixes',
    why: 'text files are rewritten whole, with other rules than binaries',
    make: () => expecting(textInput(16, sixty()), expectedText),
    contenders: [
      kernelContender('String.replace', replaceAllCall),
      pythonKernel('Python re', 'text'),
      ...engineContenders(textCall),
    ],
    baseline: 'String.replace',
    runs: 'both',
  }),
  kernelCase({
    name: 'C strings: 60 prefixes',
    why: 'every listed binary goes through this',
    make: () => expecting(codeInput({ megabytes: 20, mapping: sixty(), distance: 40_000 }), expectedCStrings),
    contenders: [pythonKernel('Python re', 'strings'), ...engineContenders(cStringCall)],
    baseline: 'js',
    runs: 'both',
  }),
  kernelCase({
    name: 'C strings: a file by windows',
    why: 'files come from disk, outside of WASM memory, and few places of them matter: decides what the wasm engine does there',
    make: () =>
      expecting(codeInput({ megabytes: 40, mapping: sixty(), distance: 1_000_000 }), expectedCStrings),
    contenders: engineContenders(windowedCStringCall),
    baseline: 'js',
    runs: 'both',
  }),
  kernelCase({
    name: 'ELF: 1,000 rpaths',
    why: 'headers are parsed for every library, however small',
    make: () => expecting(elfInput(1000, sixty()), expectedElf),
    contenders: engineContenders(elfCall),
    baseline: 'js',
  }),
  kernelCase({
    name: 'sha256',
    why: 'every compressed byte is hashed; the processor has instructions for it',
    make: () => ({ bytes: noise(20), mapping: [] }),
    contenders: [
      kernelContender('node:crypto', sha256Call),
      kernelContender('WebCrypto', webCryptoCall),
      pythonKernel('Python hashlib', 'sha256'),
    ],
    baseline: 'node:crypto',
    runs: 'both',
  }),
  kernelCase({
    name: 'tar: 4,000 small files',
    why: 'small files make headers count',
    make: () => tarInput(4000),
    contenders: [
      kernelContender('tar-stream', tarStreamCall),
      kernelContender('node-tar', nodeTarCall),
      pythonKernel('Python tarfile', 'tar'),
      kernelContender('regraft', tarReaderCall),
    ],
    baseline: 'tar-stream',
    runs: 'both',
  }),
];
