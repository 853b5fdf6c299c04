import { KERNELS } from '../build/kernels.ts';

interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly INPUT: WebAssembly.Global<'i32'>;
  readonly INPUT_LENGTH: WebAssembly.Global<'i32'>;
  readonly ENDS: WebAssembly.Global<'i32'>;
  readonly HASHES: WebAssembly.Global<'i32'>;
  readonly NAMES_MAX: WebAssembly.Global<'i32'>;
  crc32c(crc: number, length: number): number;
  dirHashes(count: number, version: number, seed0: number, seed1: number, seed2: number, seed3: number): void;
}

const wasm = Uint8Array.from(atob(KERNELS), (character) => character.charCodeAt(0));

/** The functions of assembly/, instantiated once. Their memory never grows, so the views below stay valid. */
export const kernels = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports as unknown as Kernels;

/** Where the kernels read names and bytes; its length is the most they take at once. */
export const input = new Uint8Array(kernels.memory.buffer, kernels.INPUT.value, kernels.INPUT_LENGTH.value);
