import { setImmediate } from 'node:timers/promises';
import type { OnProgress, Phase } from '../core/progress.ts';
import type { Image } from '../image/image.ts';

/** What a long read tells and obeys. */
export interface PumpOptions {
  /** Ends it; it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far it is: the bytes done, holes included, and the files, where the image can tell. */
  readonly onProgress?: OnProgress | undefined;
}

/** Takes an image in order, as data and holes. */
export interface Consumer {
  /** `bytes` may be used until the returned promise settles; calls do not wait for each other. */
  data(offset: number, bytes: Uint8Array): Promise<void> | void;
  hole(offset: number, length: number): Promise<void> | void;
}

/** The most that is read or written at once, in bytes: a write of a megabyte costs the kernel up to five times as much per byte. */
const PIECE_SIZE = 256 * 1024;
/** The most of a hole that is given at once, in bytes: its zeros may have to be digested. */
const HOLE_SIZE = 32 * 1024 * 1024;
/** Holes are multiples of this; what is shorter is read as data. */
const HOLE_GRANULARITY = 64 * 1024;
/** How many pieces are read ahead of the consumer, and how many are read or consumed at once. */
const READ_AHEAD = 4;
const BUFFERS = 10;

interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly hole: boolean;
}

/** A buffer, and when its last consumer is done with it. */
interface Slot {
  readonly buffer: Uint8Array;
  consumed: Promise<void>;
}

/** Reads a whole image into a consumer, for `phase`: inputs are read ahead while it works. Settles when the consumer is done with every piece. */
export async function pump(image: Image, phase: Phase, consumer: Consumer, options: PumpOptions = {}): Promise<void> {
  const slots: Slot[] = Array.from({ length: BUFFERS }, () => ({
    buffer: new Uint8Array(PIECE_SIZE),
    consumed: Promise.resolve(),
  }));
  const queue: { piece: Piece; slot: Slot; read: Promise<void> }[] = [];
  let next = 0;
  const consumeOne = async (): Promise<void> => {
    const { piece, slot, read } = queue.shift()!;
    await read;
    // Nothing waits for I/O in a hole; without a pause no signal would be heard before its end.
    if (piece.hole) await setImmediate();
    options.signal?.throwIfAborted();
    slot.consumed = settle(
      piece.hole
        ? consumer.hole(piece.offset, piece.length)
        : consumer.data(piece.offset, slot.buffer.subarray(0, piece.length)),
    );
    const done = piece.offset + piece.length;
    options.onProgress?.({ phase, bytes: { done, total: image.size }, files: image.filesBefore?.(done) });
  };
  try {
    for (const piece of pieces(image)) {
      const slot = slots[next++ % BUFFERS]!;
      await slot.consumed;
      const read = settle(
        piece.hole ? undefined : image.readAsync(piece.offset, slot.buffer.subarray(0, piece.length)),
      );
      queue.push({ piece, slot, read });
      if (queue.length > READ_AHEAD) await consumeOne();
    }
    while (queue.length > 0) await consumeOne();
    for (const { consumed } of slots) await consumed;
  } finally {
    await Promise.allSettled([...queue.map(({ read }) => read), ...slots.map(({ consumed }) => consumed)]);
  }
}

/** A promise whose failure waits until somebody awaits it. */
function settle(work: Promise<void> | void): Promise<void> {
  const promise = Promise.resolve(work);
  promise.catch(() => undefined);
  return promise;
}

function* pieces(image: Image): Generator<Piece, void> {
  for (const { offset, length, hole } of image.extents(0, image.size, HOLE_GRANULARITY)) {
    const sizeMax = hole ? HOLE_SIZE : PIECE_SIZE;
    for (let done = 0; done < length; ) {
      // Pieces end at multiples of their size, so that one read seldom spans two blocks of the same chunk.
      const toBoundary = sizeMax - ((offset + done) % sizeMax);
      const size = Math.min(length - done, toBoundary);
      yield { offset: offset + done, length: size, hole };
      done += size;
    }
  }
}
