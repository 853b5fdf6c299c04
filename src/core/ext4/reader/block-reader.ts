import { JBD2_MAGIC_NUMBER } from '../format/journal.ts';
import { corrupt } from './failure.ts';

/** What an image is read from; an `Image` is one. Sizes and offsets are in bytes. */
export interface BlockDevice {
  readonly size: number;
  /** Fills `target` from `offset`, which is in the device with all of it. */
  read(offset: number, target: Uint8Array): void;
}

/** The newer copies of blocks that a log has. */
export interface LoggedBlocks {
  /** By block, where in the image its copy is, in bytes. */
  readonly imageOffset: ReadonlyMap<number, number>;
  /** Blocks whose first four bytes are the journal's magic, which their copies leave out. */
  readonly escaped: ReadonlySet<number>;
}

/** How much metadata is kept, in bytes. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** Reads blocks of an image: as they are, or with the newer copies that its journal has. */
export class BlockReader {
  readonly blockSize: number;
  readonly #device: BlockDevice;
  readonly #slotBlock: Float64Array;
  readonly #slotBytes: Uint8Array[] = [];
  #logged: LoggedBlocks['imageOffset'] = new Map();
  #escaped: LoggedBlocks['escaped'] = new Set();

  constructor(device: BlockDevice, blockSize: number) {
    this.#device = device;
    this.blockSize = blockSize;
    this.#slotBlock = new Float64Array(CACHE_BYTES / blockSize).fill(-1);
  }

  get size(): number {
    return this.#device.size;
  }

  /** From now on the log's copies are read in place of the blocks. */
  replay({ imageOffset, escaped }: LoggedBlocks): void {
    this.#logged = imageOffset;
    this.#escaped = escaped;
    this.#slotBlock.fill(-1);
  }

  /** A block of metadata, not to be changed. Throws `image-corrupt` when it is not in the image. */
  block(block: number, what: string): Uint8Array {
    const slot = block % this.#slotBlock.length;
    if (this.#slotBlock[slot] === block) return this.#slotBytes[slot]!;
    const bytes = new Uint8Array(this.blockSize);
    this.readBlock(block, what, bytes);
    this.#slotBytes[slot] = bytes;
    this.#slotBlock[slot] = block;
    return bytes;
  }

  /** Fills `target`, as long as a block, with one that is not kept. Throws `image-corrupt` when it is not in the image. */
  readBlock(block: number, what: string, target: Uint8Array): void {
    if (!(block >= 0 && (block + 1) * this.blockSize <= this.size))
      throw corrupt(`${what}: block ${block} is not in the image`);
    this.read(block * this.blockSize, target);
  }

  /** Fills `target` from `offset`. Throws `image-corrupt` when that is not all in the image. */
  read(offset: number, target: Uint8Array): void {
    if (offset + target.length > this.size)
      throw corrupt(`byte ${offset} to ${offset + target.length} are not in the image`);
    if (this.#logged.size === 0) return this.#device.read(offset, target);
    const { blockSize } = this;
    for (let done = 0; done < target.length; ) {
      const block = Math.floor((offset + done) / blockSize);
      let end = block + 1;
      // What the log has nothing of is read in one piece.
      while (!this.#logged.has(block) && end * blockSize < offset + target.length && !this.#logged.has(end)) end++;
      const length = Math.min(end * blockSize - offset, target.length) - done;
      this.#readPart(block, offset + done, target.subarray(done, done + length));
      done += length;
    }
  }

  #readPart(block: number, offset: number, target: Uint8Array): void {
    const logged = this.#logged.get(block);
    if (logged === undefined) return this.#device.read(offset, target);
    const within = offset - block * this.blockSize;
    this.#device.read(logged + within, target);
    if (!this.#escaped.has(block)) return;
    for (let i = within; i < 4 && i - within < target.length; i++) {
      target[i - within] = (JBD2_MAGIC_NUMBER >>> (24 - 8 * i)) & 0xff;
    }
  }
}
