import { type FileHandle, open } from 'node:fs/promises';
import type { Image } from '../image/image.ts';
import { imageHash } from './digest.ts';
import { comparisonFailure } from './failure.ts';
import { pump, type PumpOptions } from './pump.ts';

/** The first place where a file is not its image. */
export interface Difference {
  /** Of the first differing byte, in bytes. */
  readonly offset: number;
  /** What lives there in the image, or that it is a difference of sizes. */
  readonly label: string;
}

/** What a comparison found: the digest that both have, or their first difference. */
export type Comparison = { readonly sha256: string } | { readonly difference: Difference };

const ZEROS = new Uint8Array(64 * 1024);
const BUFFER_SIZE = 1024 * 1024;

/** Compares a file with an image, byte by byte up to the first difference. Throws `layer-not-found` when the file cannot be read. */
export async function compareFile(image: Image, path: string, options: PumpOptions = {}): Promise<Comparison> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw comparisonFailure(path, error);
  });
  try {
    return await compareOpen(image, file, options);
  } catch (error) {
    if (error instanceof Differs) return { difference: { offset: error.offset, label: describe(image, error.offset) } };
    throw comparisonFailure(path, error);
  } finally {
    await file.close();
  }
}

/** Ends a comparison early. */
class Differs extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super(`different at ${offset}`);
    this.offset = offset;
  }
}

async function compareOpen(image: Image, file: FileHandle, options: PumpOptions): Promise<Comparison> {
  const hash = imageHash('sha256');
  const buffer = new Uint8Array(BUFFER_SIZE);
  let last: Promise<void> = Promise.resolve();
  const inOrder = (compare: () => Promise<void>): Promise<void> => (last = last.then(compare));
  await pump(
    image,
    'comparing',
    {
      data: (offset, bytes) =>
        inOrder(async () => {
          hash.update(bytes);
          await comparePiece(file, offset, bytes, buffer);
        }),
      hole: (offset, length) =>
        inOrder(async () => {
          hash.zeros(length);
          for (let done = 0; done < length; done += ZEROS.length) {
            await comparePiece(file, offset + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)), buffer);
          }
        }),
    },
    options,
  );
  const { bytesRead } = await file.read(buffer, 0, 1, image.size);
  if (bytesRead > 0) throw new Differs(image.size);
  image.verifyUnchanged();
  return { sha256: hash.digest() };
}

async function comparePiece(file: FileHandle, offset: number, expected: Uint8Array, buffer: Uint8Array): Promise<void> {
  let length = 0;
  while (length < expected.length) {
    const { bytesRead } = await file.read(buffer, length, expected.length - length, offset + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  if (length === expected.length && Buffer.compare(buffer.subarray(0, length), expected) === 0) return;
  let at = 0;
  while (at < length && buffer[at] === expected[at]) at++;
  throw new Differs(offset + at);
}

function describe(image: Image, offset: number): string {
  return offset < image.size ? image.label(offset) : 'the end of the image: the file is longer';
}
