import type { Writable } from 'node:stream';
import type { Image } from '../image/image.ts';
import { imageHash } from './digest.ts';
import { outputFailure } from './failure.ts';
import { pump, type PumpOptions } from './pump.ts';

const ZEROS = new Uint8Array(64 * 1024);

/** Writes an image to a stream, holes as zeros, no faster than the stream takes it. Returns its SHA-256 in hexadecimal; does not end the stream. */
export async function streamImage(
  image: Image,
  stream: Writable,
  options: PumpOptions = {},
): Promise<{ sha256: string }> {
  const hash = imageHash('sha256');
  let last: Promise<void> = Promise.resolve();
  const inOrder = (write: () => Promise<void>): Promise<void> => (last = last.then(write));
  await pump(
    image,
    'writing',
    {
      data: (_, bytes) => {
        hash.update(bytes);
        return inOrder(async () => writeTo(stream, bytes));
      },
      hole: (_, length) => {
        hash.zeros(length);
        return inOrder(async () => writeZeros(stream, length));
      },
    },
    options,
  );
  image.verifyUnchanged();
  return { sha256: hash.digest() };
}

async function writeZeros(stream: Writable, length: number): Promise<void> {
  for (let left = length; left > 0; left -= ZEROS.length)
    await writeTo(stream, ZEROS.subarray(0, Math.min(left, ZEROS.length)));
}

/** Settles when the stream is done with `bytes`. */
export async function writeTo(stream: Writable, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(outputFailure('the output', error) as Error) : resolve()));
  });
}
