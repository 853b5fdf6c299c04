import { createHash } from 'node:crypto';
import type { FatPlan } from '../../src/core/fat/layout.ts';
import { planFat } from '../../src/core/fat/layout.ts';
import type { FatOptions } from '../../src/core/fat/options.ts';
import { type ImageOptions, toFilesystemOptions } from '../../src/image/options.ts';
import { type EntryCase, makeTree } from './make-tree.ts';

const sha256 = () => {
  const hash = createHash('sha256');
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest() };
};

/** The FAT plan of layers that are made by code, whose files' bytes are nowhere, and its warnings. */
export function planFatLayers(
  layers: readonly (readonly EntryCase[])[],
  options: ImageOptions = {},
): { plan: FatPlan; warnings: readonly string[] } {
  const warnings: string[] = [];
  const fatOptions = toFilesystemOptions({ ...options, fs: 'vfat' }) as FatOptions;
  const plan = planFat(makeTree(layers), fatOptions, { sha256, warn: (warning) => warnings.push(warning) });
  return { plan, warnings };
}
