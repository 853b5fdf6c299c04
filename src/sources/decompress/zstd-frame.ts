import { ImageError, type ImageErrorContext } from '../../core/errors.ts';

/** The first 4 bytes of a Zstandard frame. RFC 8878, 3.1.1. */
const ZSTD_MAGIC = 0xfd2fb528;
/** Of a skippable frame the low 4 bits are free. RFC 8878, 3.1.2. */
const SKIPPABLE_MAGIC = 0x184d2a50;

/** The largest window that is decompressed, in bytes: what `zstd --long` makes, and libzstd's own limit. */
export const WINDOW_BYTES_MAX = 2 ** 27;

/** Block_Maximum_Size, in bytes. RFC 8878, 3.1.1.2.4. */
const BLOCK_BYTES_MAX = 128 * 1024;

export const FRAME_MAGIC_BYTES = 4;
export const BLOCK_HEADER_BYTES = 3;
export const CHECKSUM_BYTES = 4;

export function magicOf(bytes: Uint8Array): 'zstd' | 'skippable' | undefined {
  const magic = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
  if (magic === ZSTD_MAGIC) return 'zstd';
  return (magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC ? 'skippable' : undefined;
}

/** The header of a frame, after the magic. RFC 8878, 3.1.1.1. */
export interface FrameHeader {
  /** Of the uncompressed frame, where it is said. */
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

/** How many bytes follow the frame header's first, the descriptor. */
export function frameHeaderRest(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  return (isSingleSegment ? 0 : 1) + dictionaryIdBytes(descriptor) + contentSizeBytes(descriptor);
}

/** Checks a frame's header: `descriptor` is its first byte, `rest` the others. */
export function parseFrameHeader(descriptor: number, rest: Uint8Array, context: ImageErrorContext): FrameHeader {
  if ((descriptor & 0x08) !== 0) throw new ImageError('layer-corrupt', 'zstd: a reserved bit is set', context);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
  let offset = isSingleSegment ? 0 : 1;
  if (littleEndian(view, offset, dictionaryIdBytes(descriptor)) !== 0) {
    throw new ImageError('layer-unsupported', 'zstd: it needs a dictionary', context);
  }
  offset += dictionaryIdBytes(descriptor);
  const sizeBytes = contentSizeBytes(descriptor);
  const contentBytes =
    sizeBytes === 0 ? undefined : littleEndian(view, offset, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  const windowBytes = isSingleSegment ? (contentBytes ?? 0) : windowSize(view.getUint8(0));
  if (windowBytes > WINDOW_BYTES_MAX) {
    const what = `zstd: its window is ${windowBytes} bytes, at most ${WINDOW_BYTES_MAX} are supported`;
    throw new ImageError('layer-unsupported', what, context);
  }
  return { contentBytes, hasChecksum: (descriptor & 0x04) !== 0 };
}

/** The header of a block. RFC 8878, 3.1.1.2. */
export interface BlockHeader {
  readonly isLast: boolean;
  /** How many bytes follow in the stream. */
  readonly bytes: number;
}

export function parseBlockHeader(bytes: Uint8Array, context: ImageErrorContext): BlockHeader {
  const word = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16);
  const type = (word >> 1) & 3;
  const size = word >> 3;
  if (type === 3) throw new ImageError('layer-corrupt', 'zstd: a block of the reserved type', context);
  if (size > BLOCK_BYTES_MAX) {
    throw new ImageError(
      'layer-corrupt',
      `zstd: a block of ${size} bytes, at most ${BLOCK_BYTES_MAX} are allowed`,
      context,
    );
  }
  const isRunLength = type === 1;
  return { isLast: (word & 1) !== 0, bytes: isRunLength ? 1 : size };
}

function dictionaryIdBytes(descriptor: number): number {
  return [0, 1, 2, 4][descriptor & 3] ?? 0;
}

function contentSizeBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  return [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function littleEndian(view: DataView, offset: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + view.getUint8(offset + i);
  return value;
}
