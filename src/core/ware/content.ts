import { entrySegments } from '../layer/layer-index.ts';
import type { Tree } from '../tree/tree.ts';

/** Fills `target` from `offset` of a layer's data. */
export type ReadLayer = (layer: number, offset: number, target: Uint8Array) => void;

const PIECE_BYTES = 256 * 1024;

/** The bytes of a file, holes as zeros. Each piece is good until the next is asked for. */
export function* contentOf(tree: Tree, inode: number, read: ReadLayer): Generator<Uint8Array, void> {
  const layer = tree.inodeLayer.values[inode]!;
  const entry = tree.inodeEntry.values[inode]!;
  const index = tree.layers[layer]!;
  const size = index.size[entry]!;
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, size));
  let stored = index.dataOffset[entry]!;
  let at = 0;
  for (const { offset, length } of entrySegments(index, entry)) {
    yield* zeros(buffer, offset - at);
    for (let done = 0; done < length; ) {
      const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
      read(layer, stored + done, piece);
      yield piece;
      done += piece.length;
    }
    stored += length;
    at = offset + length;
  }
  yield* zeros(buffer, size - at);
}

function* zeros(buffer: Uint8Array, length: number): Generator<Uint8Array, void> {
  if (length <= 0) return;
  buffer.fill(0);
  for (let done = 0; done < length; done += buffer.length)
    yield buffer.subarray(0, Math.min(buffer.length, length - done));
}
