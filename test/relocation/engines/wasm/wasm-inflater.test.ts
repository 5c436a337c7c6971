// The inflate kernel against the same streams as the decoder in TypeScript.
import { WasmInflater } from '../../../../src/relocation/engines/wasm/wasm-inflater.js';
import { WasmKernels } from '../../../../src/relocation/engines/wasm/wasm-kernels.js';
import { describeInflater } from '../../../helpers/inflater-suite.js';

describeInflater('WasmInflater', () => new WasmInflater(new WasmKernels().exports), 1500);
