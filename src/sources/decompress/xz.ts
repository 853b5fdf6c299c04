import { ReadableStream } from 'node:stream/web';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';

/** enum xz_ret of xz-embedded, which the package is made of. */
const XZ_BUF_ERROR = 8;
const UNSUPPORTED: Readonly<Record<number, string>> = {
  2: 'its integrity check is neither crc32 nor crc64',
  3: 'its dictionary does not fit in memory',
  4: 'its dictionary is larger than 64 MiB',
  6: 'it uses a filter other than lzma2',
};

/** Decompresses xz, streams one after another; dictionaries up to 64 MiB (`xz -9`). */
export async function* unxz(input: AsyncIterable<Uint8Array>, context: ImageErrorContext): AsyncGenerator<Uint8Array> {
  const { XzReadableStream } = (await import('xz-decompress')).default;
  const chunks = input[Symbol.asyncIterator]();
  const source = { ended: false, failure: undefined as unknown };
  const compressed = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await chunks.next();
        if (!next.done) return controller.enqueue(next.value);
        source.ended = true;
        controller.close();
      } catch (error) {
        source.failure = error;
        controller.error(error);
      }
    },
  });
  const reader = new XzReadableStream(compressed as never).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (next.value.length > 0) yield next.value;
    }
  } catch (error) {
    throw source.failure ?? xzFailure(error, source.ended, context);
  } finally {
    await reader.cancel().catch(() => undefined);
    await chunks.return?.();
  }
}

function xzFailure(error: unknown, inputEnded: boolean, context: ImageErrorContext): unknown {
  const [, code] = /error code (\d+)/.exec(error instanceof Error ? error.message : '') ?? [];
  if (code === undefined) return error;
  const unsupported = UNSUPPORTED[Number(code)];
  if (unsupported !== undefined) {
    return new ImageError('layer-unsupported', `xz: ${unsupported}`, context, { cause: error });
  }
  if (inputEnded && Number(code) === XZ_BUF_ERROR) {
    return new ImageError('layer-truncated', 'xz: the stream ends before its index', context, { cause: error });
  }
  return new ImageError('layer-corrupt', `xz: its data is damaged (code ${code})`, context, { cause: error });
}
