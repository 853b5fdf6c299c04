import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { ImageError } from '../core/errors.ts';
import type { Layer } from './layer.ts';
import { openLayer } from './open-layer.ts';
import type { OpenLayerOptions } from './opening.ts';

/** How layers are opened. */
export interface OpenLayersOptions extends Omit<OpenLayerOptions, 'layer'> {
  /** How many layers are opened at once; default: as many as the host runs threads. */
  readonly jobs?: number | undefined;
}

/**
 * Opens layers, bottom first, in parallel. When one fails the others are given up and closed, and the failure of the
 * lowest is thrown.
 */
export async function openLayers(references: readonly string[], options: OpenLayersOptions = {}): Promise<Layer[]> {
  if (references.filter((reference) => reference === '-').length > 1) {
    throw new ImageError('option-invalid', 'standard input was given as more than one layer');
  }
  const givingUp = new AbortController();
  const signal = AbortSignal.any([givingUp.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const limit = pLimit(options.jobs ?? availableParallelism());
  const progress = new SummedProgress(options.onProgress);
  const opened: Layer[] = [];
  const failures: unknown[] = [];
  const openOne = async (reference: string, layer: number): Promise<void> => {
    try {
      opened[layer] = await openLayer(reference, { ...options, signal, layer, onProgress: progress.of(layer) });
    } catch (error) {
      if (error !== givingUp.signal.reason) failures[layer] = error;
      givingUp.abort();
    }
  };
  await Promise.all(references.map((reference, layer) => limit(openOne, reference, layer)));
  if (!givingUp.signal.aborted) return opened;
  for (const layer of opened) layer?.blob.close();
  throw failures.find((failure) => failure !== undefined) as Error;
}

/** The progress of several layers as one. */
class SummedProgress {
  readonly #report: (done: number, total: number) => void;
  readonly #done = new Map<number, number>();
  readonly #total = new Map<number, number>();

  constructor(report: (done: number, total: number) => void = () => undefined) {
    this.#report = report;
  }

  of(layer: number): (done: number, total: number) => void {
    return (done, total) => {
      this.#done.set(layer, done);
      this.#total.set(layer, total);
      this.#report(sum(this.#done), sum(this.#total));
    };
  }
}

function sum(values: ReadonlyMap<number, number>): number {
  let total = 0;
  for (const value of values.values()) total += value;
  return total;
}
