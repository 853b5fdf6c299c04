/** The size of a block of the image and of a unit of a delta's file, in bytes. */
export const BLOCK_BYTES = 4096;

/** What a block is, when it is not in a unit: as in the base, or all zeros. Greater values are units of the delta's file. */
export const BASE = 0;
export const ZERO = 1;
/** The first unit that can hold a block. */
export const FIRST_UNIT = 2;

/** Blocks of one chunk, whose entries take 2 KiB: scattered writes make many. */
const CHUNK_BLOCKS = 512;
/** Shared by all chunks that are zero as a whole, and never written. */
const ZERO_CHUNK = new Uint32Array(CHUNK_BLOCKS).fill(ZERO);

/**
 * What each block of an image is: BASE, ZERO, or the number of a unit. 4 bytes a block in chunks that are made when a block
 * of theirs is written, none for what is of the base or zero as a whole.
 */
export class BlockMap {
  readonly blocks: number;
  readonly #chunks: (Uint32Array | undefined)[];

  constructor(blocks: number) {
    this.blocks = blocks;
    this.#chunks = Array.from({ length: Math.ceil(blocks / CHUNK_BLOCKS) });
  }

  get(block: number): number {
    return this.#chunks[Math.floor(block / CHUNK_BLOCKS)]?.[block % CHUNK_BLOCKS] ?? BASE;
  }

  /** How many blocks from `block` on, at most `countMax`, are like it: of the base, zero, or in neighbouring units. */
  runLength(block: number, countMax: number): number {
    const value = this.get(block);
    const end = Math.min(block + countMax, this.blocks);
    let next = block + 1;
    while (next < end) {
      const chunk = this.#chunks[Math.floor(next / CHUNK_BLOCKS)];
      const chunkEnd = Math.min(chunkEndOf(next), end);
      if (isUniform(chunk)) {
        if ((chunk?.[0] ?? BASE) !== value) break;
        next = chunkEnd;
        continue;
      }
      const step = value >= FIRST_UNIT ? 1 : 0;
      while (next < chunkEnd && chunk![next % CHUNK_BLOCKS] === value + step * (next - block)) next++;
      if (next < chunkEnd) break;
    }
    return next - block;
  }

  /** Makes `count` blocks from `block` on ZERO, or puts them in units from `value` on. */
  set(block: number, count: number, value: number): void {
    const end = block + count;
    for (let from = block; from < end; ) {
      const index = Math.floor(from / CHUNK_BLOCKS);
      const to = Math.min(chunkEndOf(from), end);
      if (value === ZERO && to - from === CHUNK_BLOCKS) {
        this.#chunks[index] = ZERO_CHUNK;
      } else {
        const chunk = this.#writableChunk(index);
        const first = from % CHUNK_BLOCKS;
        if (value === ZERO) chunk.fill(ZERO, first, first + to - from);
        else for (let i = from; i < to; i++) chunk[i % CHUNK_BLOCKS] = value + i - block;
      }
      from = to;
    }
  }

  /** The runs of blocks that are not of the base, in order. */
  *runs(): Generator<{ readonly block: number; readonly count: number; readonly value: number }, void> {
    for (let block = 0; block < this.blocks; ) {
      const value = this.get(block);
      const count = this.runLength(block, this.blocks - block);
      if (value !== BASE) yield { block, count, value };
      block += count;
    }
  }

  #writableChunk(index: number): Uint32Array {
    const known = this.#chunks[index];
    if (known !== undefined && known !== ZERO_CHUNK) return known;
    const chunk = known === undefined ? new Uint32Array(CHUNK_BLOCKS) : known.slice();
    this.#chunks[index] = chunk;
    return chunk;
  }
}

/** What the block at byte `at` of an image is, and how many bytes from there on, at most `lengthMax`, are like it. */
export function runAt(map: BlockMap, at: number, lengthMax: number): { value: number; length: number } {
  const block = Math.floor(at / BLOCK_BYTES);
  const count = map.runLength(block, Math.ceil((at + lengthMax) / BLOCK_BYTES) - block);
  return { value: map.get(block), length: Math.min((block + count) * BLOCK_BYTES - at, lengthMax) };
}

function chunkEndOf(block: number): number {
  return (Math.floor(block / CHUNK_BLOCKS) + 1) * CHUNK_BLOCKS;
}

function isUniform(chunk: Uint32Array | undefined): boolean {
  return chunk === undefined || chunk === ZERO_CHUNK;
}
