import type { ReadableFilesystem, ReadableInode } from './filesystem.ts';

/** The bytes of a file that are not in its holes. */
export interface StoredRange {
  /** In the file, in bytes. */
  readonly offset: number;
  readonly length: number;
}

const PIECE_BYTES = 256 * 1024;

/** Where a file has data, neighbouring ranges as one. */
export function dataRanges(filesystem: ReadableFilesystem, inode: ReadableInode): StoredRange[] {
  const inline = filesystem.inlineFile(inode);
  if (inline !== undefined) return inline.length === 0 ? [] : [{ offset: 0, length: inline.length }];
  const ranges: { offset: number; length: number }[] = [];
  for (const { offset, length } of filesystem.runs(inode)) {
    const last = ranges.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length += length;
    else ranges.push({ offset, length });
  }
  return ranges;
}

/** The data of a file, holes left out, in its order. Each piece is good until the next is asked for. */
export function* dataPieces(filesystem: ReadableFilesystem, inode: ReadableInode): Generator<Uint8Array, void> {
  const inline = filesystem.inlineFile(inode);
  if (inline !== undefined) return yield inline;
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, inode.size));
  for (const { length, imageOffset } of filesystem.runs(inode)) {
    for (let done = 0; done < length; done += buffer.length) {
      const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
      filesystem.read(imageOffset + done, piece);
      yield piece;
    }
  }
}

const ZEROS = new Uint8Array(64 * 1024);

/** All bytes of a file in their order, holes as zeros. Each piece is good until the next is asked for. */
export function* filePieces(filesystem: ReadableFilesystem, inode: ReadableInode): Generator<Uint8Array, void> {
  const inline = filesystem.inlineFile(inode);
  if (inline !== undefined) {
    yield inline;
    return yield* zeros(inode.size - inline.length);
  }
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, inode.size));
  let at = 0;
  for (const { offset, length, imageOffset } of filesystem.runs(inode)) {
    yield* zeros(offset - at);
    for (let done = 0; done < length; done += buffer.length) {
      const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
      filesystem.read(imageOffset + done, piece);
      yield piece;
    }
    at = offset + length;
  }
  yield* zeros(inode.size - at);
}

function* zeros(count: number): Generator<Uint8Array, void> {
  for (let left = count; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}
