import { LayerIndexBuilder, type LayerIndex } from '../core/layer/layer-index.ts';
import { type ByteRange, readTar } from '../core/tar/reader.ts';
import type { Blob } from './layer.ts';
import type { Opening } from './opening.ts';

/** How much is read around a header that is wanted: small files and the next headers then come with it. In bytes. */
const WINDOW_BYTES = 8 * 1024;

const NOTHING = new Uint8Array(0);

/** How many entries are read between two reports of progress. */
export const ENTRIES_BETWEEN = 1024;

/** The index of the tar in `blob`, made from its headers alone: the bodies of files are jumped over. `size` is in bytes. */
export function scanTar(
  blob: Blob,
  size: number,
  { context: { layer }, onProgress, xattrRecords }: Pick<Opening, 'context' | 'onProgress' | 'xattrRecords'>,
): LayerIndex {
  const builder = new LayerIndexBuilder();
  const window = new Window(blob, size);
  let count = 0;
  const reader = readTar({ layer, size, xattrRecords });
  let step = reader.next(NOTHING);
  while (!step.done) {
    if ('entry' in step.value) {
      const { entry } = step.value;
      builder.add(entry);
      count++;
      if (count % ENTRIES_BETWEEN === 0) {
        onProgress({
          phase: 'reading layers',
          bytes: { done: entry.headerOffset, total: size },
          files: { done: count },
        });
      }
      step = reader.next(NOTHING);
    } else {
      step = reader.next(window.bytes(step.value.want));
    }
  }
  onProgress({ phase: 'reading layers', bytes: { done: size, total: size }, files: { done: count } });
  return builder.finish();
}

/** The part of a blob that was read last. */
class Window {
  readonly #blob: Blob;
  readonly #size: number;
  readonly #buffer = new Uint8Array(WINDOW_BYTES);
  #start = 0;
  #end = 0;

  constructor(blob: Blob, size: number) {
    this.#blob = blob;
    this.#size = size;
  }

  /** The wanted bytes, fewer where the blob ends; valid until the next call. */
  bytes({ offset, length }: ByteRange): Uint8Array {
    const end = Math.min(offset + length, this.#size);
    if (end <= offset) return NOTHING;
    if (offset >= this.#start && end <= this.#end)
      return this.#buffer.subarray(offset - this.#start, end - this.#start);
    if (end - offset > WINDOW_BYTES) return this.#readAlone(offset, end);
    this.#start = offset;
    this.#end = Math.min(offset + WINDOW_BYTES, this.#size);
    this.#blob.readSync(offset, this.#buffer.subarray(0, this.#end - offset));
    return this.#buffer.subarray(0, end - offset);
  }

  #readAlone(offset: number, end: number): Uint8Array {
    const bytes = new Uint8Array(end - offset);
    this.#blob.readSync(offset, bytes);
    return bytes;
  }
}
