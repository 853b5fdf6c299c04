import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** How many units of an image that are not all zeros there are, and how many of them an older image has not. */
export interface NewUnits {
  readonly count: number;
  /** Not at any place of the older image. */
  readonly nowhere: number;
  /** Not at the same place of it. */
  readonly moved: number;
}

/** The same for each size of unit. */
export interface NewContent {
  readonly chunks: NewUnits;
  readonly blocks: NewUnits;
}

const CHUNK_SIZE = 512 * 1024;
const BLOCK_SIZE = 4096;
const ZEROS = Buffer.alloc(CHUNK_SIZE);

/** The digests of an image's units in their order; undefined for one of zeros. */
interface Digests {
  readonly chunks: (string | undefined)[];
  readonly blocks: (string | undefined)[];
}

/** Compares the contents of two files. */
export function countNew(before: string, after: string): NewContent {
  const [old, now] = [digestsOf(before), digestsOf(after)];
  return { chunks: newUnits(old.chunks, now.chunks), blocks: newUnits(old.blocks, now.blocks) };
}

function newUnits(before: readonly (string | undefined)[], after: readonly (string | undefined)[]): NewUnits {
  const known = new Set(before);
  let [count, nowhere, moved] = [0, 0, 0];
  after.forEach((digest, i) => {
    if (digest === undefined) return;
    count++;
    if (!known.has(digest)) nowhere++;
    if (before[i] !== digest) moved++;
  });
  return { count, nowhere, moved };
}

function digestsOf(path: string): Digests {
  const digests: Digests = { chunks: [], blocks: [] };
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(CHUNK_SIZE);
    for (let offset = 0; offset < size; offset += CHUNK_SIZE) {
      const chunk = buffer.subarray(0, readSync(fd, buffer, 0, CHUNK_SIZE, offset));
      digests.chunks.push(digestOf(chunk));
      for (let at = 0; at < chunk.length; at += BLOCK_SIZE)
        digests.blocks.push(digestOf(chunk.subarray(at, at + BLOCK_SIZE)));
    }
  } finally {
    closeSync(fd);
  }
  return digests;
}

function digestOf(bytes: Buffer): string | undefined {
  if (bytes.equals(ZEROS.subarray(0, bytes.length))) return undefined;
  return createHash('sha1').update(bytes).digest('base64');
}
