import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { ByteSource } from './byte-source.ts';
import { fzstdDecoder, nativeDecoder, type ZstdEngine, type FrameDecoder, hasNativeZstd } from './zstd-engine.ts';
import {
  BLOCK_HEADER_BYTES,
  CHECKSUM_BYTES,
  FRAME_MAGIC_BYTES,
  frameHeaderRest,
  magicOf,
  parseBlockHeader,
  parseFrameHeader,
} from './zstd-frame.ts';

/**
 * Decompresses Zstandard (RFC 8878): frames and skippable frames one after another, windows up to 128 MiB. The frames
 * are told apart here, because zlib's stream ends, without an error, after the first one.
 */
export async function* unzstd(
  input: AsyncIterable<Uint8Array>,
  context: ImageErrorContext,
  engine: ZstdEngine = hasNativeZstd ? 'native' : 'fzstd',
): AsyncGenerator<Uint8Array> {
  const source = new ByteSource(input);
  try {
    for (;;) {
      const magic = await source.take(FRAME_MAGIC_BYTES);
      if (magic.length === 0) return;
      const kind = magic.length < FRAME_MAGIC_BYTES ? undefined : magicOf(magic);
      if (kind === undefined) throw new ImageError('layer-corrupt', 'zstd: what follows a frame is no frame', context);
      if (kind === 'skippable') await skipFrame(source, context);
      else yield* decodeFrame(source, magic, engine, context);
    }
  } finally {
    await source.close();
  }
}

async function skipFrame(source: ByteSource, context: ImageErrorContext): Promise<void> {
  const size = await takeExactly(source, 4, context);
  const length = new DataView(size.buffer, size.byteOffset, 4).getUint32(0, true);
  if ((await source.skip(length)) < length) throw truncated(context);
}

/** One frame through a decoder of its own; `magic` has been taken. */
async function* decodeFrame(
  source: ByteSource,
  magic: Uint8Array,
  engine: ZstdEngine,
  context: ImageErrorContext,
): AsyncGenerator<Uint8Array> {
  const first = await takeExactly(source, 1, context);
  const descriptor = first[0] ?? 0;
  const rest = await takeExactly(source, frameHeaderRest(descriptor), context);
  const header = parseFrameHeader(descriptor, rest, context);
  const decoder: FrameDecoder = engine === 'native' ? nativeDecoder(context) : await fzstdDecoder(header, context);
  let contentBytes = 0;
  try {
    yield* counted(decoder.push(Buffer.concat([magic, first, rest])));
    for (let isLast = false; !isLast; ) {
      const blockHeader = await takeExactly(source, BLOCK_HEADER_BYTES, context);
      const block = parseBlockHeader(blockHeader, context);
      isLast = block.isLast;
      const body = await takeExactly(source, block.bytes, context);
      yield* counted(decoder.push(Buffer.concat([blockHeader, body])));
    }
    yield* counted(decoder.finish(header.hasChecksum ? await takeExactly(source, CHECKSUM_BYTES, context) : undefined));
  } finally {
    decoder.close();
  }
  if (header.contentBytes !== undefined && contentBytes !== header.contentBytes) {
    const what = `zstd: a frame says ${header.contentBytes} bytes and has ${contentBytes}`;
    throw new ImageError('layer-corrupt', what, context);
  }

  async function* counted(chunks: Promise<Uint8Array[]>): AsyncGenerator<Uint8Array> {
    for (const chunk of await chunks) {
      contentBytes += chunk.length;
      yield chunk;
    }
  }
}

async function takeExactly(source: ByteSource, length: number, context: ImageErrorContext): Promise<Uint8Array> {
  const bytes = await source.take(length);
  if (bytes.length < length) throw truncated(context);
  return bytes;
}

function truncated(context: ImageErrorContext): ImageError {
  return new ImageError('layer-truncated', 'zstd: the stream ends inside a frame', context);
}
