import { xxh64 } from './xxhash.ts';

export interface ZstdFrameOptions {
  /** Adds the checksum of the content. */
  readonly checksum?: boolean;
  /** The Window_Descriptor byte instead of a single segment. */
  readonly window?: number;
  /** Says this length instead of the content's own. */
  readonly declaredBytes?: number;
}

const BLOCK_BYTES = 128 * 1024;

/** A Zstandard frame (RFC 8878) of raw blocks: stored, not compressed. */
export function zstdFrame(content: Uint8Array, options: ZstdFrameOptions = {}): Uint8Array {
  const { checksum = false, window, declaredBytes = content.length } = options;
  const isSingleSegment = window === undefined;
  const descriptor = 0xc0 | (isSingleSegment ? 0x20 : 0) | (checksum ? 0x04 : 0);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(declaredBytes));
  const parts: Uint8Array[] = [
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...(isSingleSegment ? [] : [window])]),
    size,
  ];
  for (let at = 0; at === 0 || at < content.length; at += BLOCK_BYTES) {
    const body = content.subarray(at, at + BLOCK_BYTES);
    parts.push(blockHeader(body.length, 0, at + BLOCK_BYTES >= content.length), Buffer.from(body));
  }
  if (checksum) {
    const digest = Buffer.alloc(4);
    digest.writeUInt32LE(Number(xxh64(content) & 0xffffffffn));
    parts.push(digest);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** A skippable frame with that content. */
export function zstdSkippable(content: Uint8Array, variant = 0): Uint8Array {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a50 + variant, 0);
  header.writeUInt32LE(content.length, 4);
  return Uint8Array.from(Buffer.concat([header, content]));
}

/** Block_Header: whether it is the last, its type (0 raw, 1 run of one byte, 2 compressed), its size. */
export function blockHeader(size: number, type: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3);
  return header;
}
