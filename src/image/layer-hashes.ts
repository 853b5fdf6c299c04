import { LayerBlocks } from '../core/verity/layer-blocks.ts';
import type { Layer } from '../sources/layer.ts';
import { KeptHashes } from '../sources/store/hash-store.ts';

/**
 * The hashes of a layer's blocks that are kept in the cache, of those that an image knows again: none of a directory. A cache that
 * fails is as good as none, but that it is told.
 */
export class LayerHashes {
  readonly #cache: string;
  readonly #warn: (warning: string) => void;
  #blocks: LayerBlocks | undefined;
  #kept: KeptHashes | undefined;

  constructor(cache: string | undefined, layer: Layer, salt: Uint8Array, warn: (warning: string) => void) {
    const name = layerName(layer);
    this.#cache = cache ?? '';
    this.#warn = warn;
    if (cache === undefined || name === undefined) return;
    const blocks = new LayerBlocks(layer.index);
    if (blocks.count === 0) return;
    this.#blocks = blocks;
    this.#kept = new KeptHashes(cache, name, salt, blocks.count);
  }

  /** The number of the first of some blocks, `length` bytes from `offset` of the layer and zeros behind; undefined where none are kept. */
  numberOf(offset: number, length: number): number | undefined {
    return this.#kept === undefined ? undefined : this.#blocks?.numberOf(offset, length);
  }

  get(block: number, target: Uint8Array, at: number): boolean {
    return this.#try(() => this.#kept?.get(block, target, at)) ?? false;
  }

  set(block: number, source: Uint8Array, at: number): void {
    this.#try(() => this.#kept?.set(block, source, at));
  }

  save(): void {
    this.#try(() => this.#kept?.save());
  }

  close(): void {
    this.#kept?.close();
  }

  #try<T>(use: () => T): T | undefined {
    try {
      return use();
    } catch (error) {
      this.#warn(`the cache ${this.#cache} does not keep the hashes of a layer: ${(error as Error).message}`);
      this.#kept?.close();
      this.#kept = undefined;
      return undefined;
    }
  }
}

/** A name of a layer's bytes, as its index has in the cache; undefined where a change might not change it. */
export function layerName({ diffId, key }: Layer): string | undefined {
  if (diffId !== undefined) return diffId.replace(':', '-');
  return key === undefined ? undefined : `file-${key}`;
}
