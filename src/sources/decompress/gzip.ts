import { once } from 'node:events';
import { createGunzip, type Gunzip } from 'node:zlib';
import { ImageError, type ImageErrorContext } from '../../core/errors.ts';
import { errnoOf } from '../failure.ts';

const OUTPUT_BYTES = 256 * 1024;

/**
 * Decompresses gzip (RFC 1952): members one after another, then zeros or nothing. zlib itself would be silent about
 * what follows the zeros, so what it leaves is looked at here.
 */
export async function* gunzip(
  input: AsyncIterable<Uint8Array>,
  context: ImageErrorContext,
): AsyncGenerator<Uint8Array> {
  const engine = createGunzip({ chunkSize: OUTPUT_BYTES });
  const chunks = input[Symbol.asyncIterator]();
  const feeding = feed(engine, chunks);
  // Its failure is the engine's too, and is thrown by the loop below.
  feeding.catch((error: unknown) => engine.destroy(error as Error));
  try {
    yield* engine as AsyncIterable<Uint8Array>;
    const rest = await feeding;
    if (!isZero(rest)) throw trailingGarbage(context);
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      if (!isZero(next.value)) throw trailingGarbage(context);
    }
  } catch (error) {
    throw gzipFailure(error, context);
  } finally {
    engine.destroy();
    await chunks.return?.();
  }
}

/** Writes chunk after chunk until the input or the engine is at its end; returns what the engine left of the last chunk. */
async function feed(engine: Gunzip, chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const over = Promise.race([once(engine, 'end'), once(engine, 'close')]);
  over.catch(() => undefined);
  let fed = 0;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    const chunk = next.value;
    fed += chunk.length;
    const written = new Promise<void>((resolve) => engine.write(chunk, () => resolve()));
    await Promise.race([written, over]);
    if (engine.bytesWritten < fed) return chunk.subarray(chunk.length - (fed - engine.bytesWritten));
  }
  engine.end();
  return new Uint8Array(0);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function trailingGarbage(context: ImageErrorContext): ImageError {
  return new ImageError('layer-corrupt', 'gzip: something other than zeros follows the last member', context);
}

function gzipFailure(error: unknown, context: ImageErrorContext): unknown {
  const code = errnoOf(error);
  if (code === undefined || !code.startsWith('Z_')) return error;
  if (code === 'Z_BUF_ERROR') {
    return new ImageError('layer-truncated', 'gzip: the stream ends inside a member', context, { cause: error });
  }
  return new ImageError('layer-corrupt', `gzip: ${(error as Error).message}`, context, { cause: error });
}
