import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { ImageError } from '../core/errors.ts';
import type { Layer } from './layer.ts';
import { type LayerInput, referenceOf } from './layer-input.ts';
import { openResolved } from './open-layer.ts';
import type { ResolvedReference } from './resolve.ts';
import { resolveInput } from './resolve-input.ts';
import type { ResolveOptions } from './resolve-reference.ts';
import { defaultCacheDirectory } from './store/cache-directory.ts';
import { pruneStore } from './store/prune.ts';
import { SummedProgress } from './summed-progress.ts';

/** How layers are opened. */
export interface OpenLayersOptions extends Omit<ResolveOptions, 'layer'> {
  /** How many layers are opened at once; default: as many as the host runs threads. */
  readonly jobs?: number | undefined;
  /** The most that the cache keeps afterwards, in bytes on the disk; what is in use stays. Default: no limit. */
  readonly cacheBytesMax?: number | undefined;
}

/** Layers that were opened, with the references that they came from. */
export interface OpenedLayers {
  /** Bottom first. */
  readonly layers: readonly Layer[];
  /** In the order in which they were given; each stands for one layer or more. */
  readonly references: readonly ResolvedReference[];
}

/**
 * Finds what inputs stand for, and opens their layers, bottom first, in parallel. When one fails the others are given up
 * and closed, and the failure of the lowest is thrown.
 */
export async function openLayers(
  inputs: readonly LayerInput[],
  options: OpenLayersOptions = {},
): Promise<OpenedLayers> {
  if (inputs.filter((input) => referenceOf(input) === '-').length > 1) {
    throw new ImageError('option-invalid', 'standard input was given as more than one layer');
  }
  const onProgress = options.onProgress ?? (() => undefined);
  const limit = pLimit(options.jobs ?? availableParallelism());
  const resolved: ResolvedReference[] = [];
  const layers: Layer[] = [];
  try {
    onProgress({ phase: 'resolving' });
    await allOrLowestFailure(inputs, options.signal, (input, signal, i) =>
      limit(async () => {
        resolved[i] = await resolveInput(input, { ...options, signal });
      }),
    );
    const openers = resolved.flatMap(({ reference, layers: each }) => each.map((open) => ({ reference, open })));
    const progress = new SummedProgress(onProgress);
    await allOrLowestFailure(openers, options.signal, ({ reference, open }, signal, layer) =>
      limit(async () => {
        const opening = { ...options, signal, layer, onProgress: progress.of(layer) };
        layers[layer] = await openResolved(open, reference, opening);
      }),
    );
    limitCache(options);
    return { layers, references: resolved };
  } catch (error) {
    for (const layer of layers) layer?.blob.close();
    throw error;
  } finally {
    for (const reference of resolved) reference?.close?.();
  }
}

/** Removes from the cache what is above its limit; the layers just opened are in use, and stay. */
function limitCache({ cache = defaultCacheDirectory(), cacheBytesMax, onWarning }: OpenLayersOptions): void {
  if (cache === undefined || cache === false || cacheBytesMax === undefined) return;
  try {
    pruneStore(cache, { bytesMax: cacheBytesMax });
  } catch (error) {
    onWarning?.(`the cache ${cache} cannot be kept within its limit: ${(error as Error).message}`);
  }
}

/** Does work for every item at once. When one fails the others are given up, and the failure of the first in order is thrown. */
async function allOrLowestFailure<Item>(
  items: readonly Item[],
  outer: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal, i: number) => Promise<void>,
): Promise<void> {
  const givingUp = new AbortController();
  const signal = AbortSignal.any([givingUp.signal, ...(outer === undefined ? [] : [outer])]);
  const failures: unknown[] = [];
  const workOne = async (item: Item, i: number): Promise<void> => {
    try {
      await work(item, signal, i);
    } catch (error) {
      if (error !== givingUp.signal.reason) failures[i] = error;
      givingUp.abort();
    }
  };
  await Promise.all(items.map(workOne));
  if (!givingUp.signal.aborted) return;
  throw failures.find((failure) => failure !== undefined) as Error;
}
