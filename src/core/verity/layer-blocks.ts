import { f64Column } from '../columns.ts';
import { EntryType } from '../layer/entry.ts';
import { entrySegments, type LayerIndex } from '../layer/layer-index.ts';
import { lastAtMost } from '../plan/blocks-source.ts';
import { roundUp } from '../struct.ts';
import { VERITY_BLOCK_SIZE } from './format.ts';

/**
 * Numbers the blocks of all files of a layer, in its order: an image of blocks of the same size has each of them whole, or not at
 * all, so that its hash is the layer's. A block in which data begins behind a hole has no number.
 */
export class LayerBlocks {
  /** How many blocks are numbered. */
  readonly count: number;
  /** By range of data that begins with a block: where it begins and ends in the layer, in bytes, and the number of its first block. */
  readonly #start = f64Column();
  readonly #end = f64Column();
  readonly #first = f64Column();

  constructor(index: LayerIndex) {
    let next = 0;
    let last = 0;
    for (let entry = 0; entry < index.count; entry++) {
      if (index.type[entry] !== EntryType.file) continue;
      let from = index.dataOffset[entry]!;
      for (const { offset, length } of entrySegments(index, entry)) {
        const start = from + roundUp(offset, VERITY_BLOCK_SIZE) - offset;
        from += length;
        if (start >= from || start < last) continue;
        this.#start.push(start);
        this.#end.push(from);
        this.#first.push(next);
        next += Math.ceil((from - start) / VERITY_BLOCK_SIZE);
        last = from;
      }
    }
    this.count = next;
  }

  /** The number of the block that holds `length` bytes of the layer from `offset` and zeros, and those of the blocks behind it; undefined for others. */
  numberOf(offset: number, length: number): number | undefined {
    if (this.#start.length === 0 || offset < this.#start.values[0]!) return undefined;
    const range = lastAtMost(this.#start.values, this.#start.length, offset);
    const within = offset - this.#start.values[range]!;
    const end = this.#end.values[range]!;
    const isWhole = offset + length === end || (offset + length < end && length % VERITY_BLOCK_SIZE === 0);
    if (within % VERITY_BLOCK_SIZE !== 0 || !isWhole) return undefined;
    return this.#first.values[range]! + within / VERITY_BLOCK_SIZE;
  }
}
