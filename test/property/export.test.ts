import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../src/core/errors.ts';
import { exportBytes, layerBytes, treeDifferences } from '../helpers/exported.ts';
import { bytesOfImage, type ImageCase, planCase } from '../helpers/image-case.ts';
import { randomStack, type RandomStack } from '../helpers/random-stack.ts';
import { makeTar } from '../helpers/tar-writer.ts';

/** BLOCKLOOM_STACKS=2000 BLOCKLOOM_SEED=7 for a longer look. */
const RUNS = Number(process.env['BLOCKLOOM_STACKS'] ?? 60);
const SEED = Number(process.env['BLOCKLOOM_SEED'] ?? 20100101);

/** The image of a stack; undefined for one that means nothing. */
async function planStack({ layers, ...options }: RandomStack, more: object): Promise<ImageCase | undefined> {
  try {
    return await planCase(
      layers.map((entries) => makeTar(entries)),
      { ...options, ...more },
    );
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

describe('the export of a random stack', () => {
  const mtimes = fc.constantFrom('keep' as const, 'fixed' as const, 'clamp' as const);

  it(
    'gives the same image again, with compact placement, and the same tar, with every placement',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomStack, mtimes, async (stack, mtime) => {
          const made = await planStack(stack, { mtime });
          if (made === undefined) return;
          const tar = exportBytes(made.image);
          const { image } = await planCase([tar], { ...stack, mtime });
          expect(Buffer.compare(exportBytes(image), tar)).toBe(0);
          expect(image.plan.record).toEqual(made.image.plan.record);
          if (stack.placement === 'stable') return;
          expect(image.size).toBe(made.image.size);
          expect(Buffer.compare(bytesOfImage(image), bytesOfImage(made.image))).toBe(0);
        }),
        { numRuns: RUNS, seed: SEED },
      );
    },
    60_000 + RUNS * 2000,
  );
});

describe('the layer between two random stacks', () => {
  it(
    'makes the one into the other, and is empty between equals',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomStack, randomStack, fc.boolean(), async (one, other, isUnrelated) => {
          const [stack, layers] = isUnrelated ? [other, one.layers] : [one, one.layers.slice(0, -1)];
          const base = await planStack({ ...stack, layers }, { mtime: 'keep' });
          const made = await planStack(stack, { mtime: 'keep' });
          if (made === undefined || base === undefined) return;
          const layer = layerBytes(base.image, made.image);
          const tars = layers.map((entries) => makeTar(entries));
          const { image } = await planCase([...tars, layer], { ...stack, mtime: 'keep' });
          expect(treeDifferences(made.image, image)).toEqual([]);
          expect(layerBytes(image, made.image)).toEqual(new Uint8Array(1024));
        }),
        { numRuns: RUNS, seed: SEED },
      );
    },
    60_000 + RUNS * 2000,
  );
});
