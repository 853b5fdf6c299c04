import { expect, test } from 'vitest';
import { compileKernels } from '../build.mjs';
import { KERNELS } from '../build/kernels.ts';

test('the module is the same byte for byte however often it is built, and is the one embedded', async () => {
  const first = Buffer.from(await compileKernels());
  const second = Buffer.from(await compileKernels());
  expect(second.equals(first)).toBe(true);
  expect(KERNELS).toBe(first.toString('base64'));
});

test('the module asks nothing of its host', async () => {
  const module = new WebAssembly.Module(Buffer.from(KERNELS, 'base64'));
  expect(WebAssembly.Module.imports(module)).toEqual([]);
});
