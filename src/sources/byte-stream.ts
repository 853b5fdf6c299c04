import type { OnProgress, Phase } from '../core/progress.ts';
import { FORMAT_BYTES } from './decompress/format.ts';

/** At least FORMAT_BYTES bytes, or all. */
export async function takeHead(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < FORMAT_BYTES; ) {
    const next = await chunks.next();
    if (next.done) break;
    parts.push(next.value);
    length += next.value.length;
  }
  return Buffer.concat(parts);
}

/** A stream whose head was taken, whole again. */
export async function* continued(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

/** Passes a stream of `total` bytes on, and tells how many of them were taken. */
export async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  total: number | undefined,
  phase: Phase,
  onProgress: OnProgress,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const piece of pieces) {
    yield piece;
    done += piece.length;
    onProgress({ phase, bytes: { done, total } });
  }
}
