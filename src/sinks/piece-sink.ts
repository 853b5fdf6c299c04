import { createHash } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { OnProgress } from '../core/progress.ts';
import { writeAll } from './blocks.ts';
import { replaceFile, type WriteImageOptions } from './file-sink.ts';
import { writeTo } from './stream-sink.ts';

/** What was written. */
export interface WrittenPieces {
  /** In hexadecimal. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

type PieceOptions = Pick<WriteImageOptions, 'force' | 'signal' | 'onProgress'>;

/** How much is written at once, in bytes. */
const BATCH_BYTES = 256 * 1024;

/**
 * Writes pieces, each good until the next is asked for, to a stream or to the file at a path, under a temporary name that is
 * renamed at the end. Throws `output-exists`, `output-failed`, or what making the pieces throws; then no file is left behind.
 */
export async function writePieces(
  pieces: Iterable<Uint8Array>,
  output: Writable | string,
  options: PieceOptions = {},
): Promise<WrittenPieces> {
  if (typeof output !== 'string') return pass(pieces, options, async (bytes) => writeTo(output, bytes));
  return replaceFile(output, options, async ({ file }) => {
    const written = await pass(pieces, options, async (bytes, offset) => writeAll(file, offset, bytes));
    await file.sync();
    return written;
  });
}

async function pass(
  pieces: Iterable<Uint8Array>,
  { signal, onProgress }: PieceOptions,
  write: (bytes: Uint8Array, offset: number) => Promise<void>,
): Promise<WrittenPieces> {
  const hash = createHash('sha256');
  let size = 0;
  for (const batch of batches(pieces)) {
    signal?.throwIfAborted();
    hash.update(batch);
    await write(batch, size);
    size += batch.length;
    tell(onProgress, size);
  }
  return { sha256: hash.digest('hex'), size };
}

function tell(onProgress: OnProgress | undefined, done: number): void {
  onProgress?.({ phase: 'exporting', bytes: { done } });
}

/** The same bytes in larger pieces. */
function* batches(pieces: Iterable<Uint8Array>): Generator<Uint8Array, void> {
  const batch = new Uint8Array(BATCH_BYTES);
  let length = 0;
  for (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      const part = piece.subarray(done, done + BATCH_BYTES - length);
      batch.set(part, length);
      length += part.length;
      done += part.length;
      if (length < BATCH_BYTES) continue;
      yield batch;
      length = 0;
    }
  }
  if (length > 0) yield batch.subarray(0, length);
}
