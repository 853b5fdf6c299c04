import { expect } from 'vitest';
import type { ByteString } from '../../src/core/bytes.ts';
import { ImageError } from '../../src/core/errors.ts';
import type { LayerEntry } from '../../src/core/layer/entry.ts';
import { type ByteRange, readTar } from '../../src/core/tar/reader.ts';

const NOTHING = new Uint8Array(0);

/** All entries of a tar that is in memory. Every range that the reader asks for is also given to `onWant`. */
export function readTarBytes(tar: Uint8Array, layer = 0, onWant?: (want: ByteRange) => void): LayerEntry[] {
  const entries: LayerEntry[] = [];
  const reader = readTar({ layer, size: tar.length });
  let step = reader.next(NOTHING);
  while (!step.done) {
    if ('entry' in step.value) {
      entries.push(step.value.entry);
      step = reader.next(NOTHING);
      continue;
    }
    const { offset, length } = step.value.want;
    onWant?.(step.value.want);
    // An own copy, destroyed after use: the reader must not keep what it was answered.
    const answer = tar.slice(offset, offset + length);
    step = reader.next(answer);
    answer.fill(0xee);
  }
  return entries;
}

/**
 * The same, from a stream that arrives in chunks of `chunk` bytes and cannot go back: what lies between two wants is
 * dropped as it passes by.
 */
export function readTarStream(tar: Uint8Array, chunk: number, layer = 0): LayerEntry[] {
  const entries: LayerEntry[] = [];
  const reader = readTar({ layer, size: tar.length });
  let step = reader.next(NOTHING);
  let gathered: number[] = [];
  for (let at = 0; !step.done; at += chunk) {
    if (at >= tar.length + chunk) throw new Error('the reader wants what lies behind the end');
    const arrived = tar.subarray(at, at + chunk);
    for (let used = 0; !step.done; ) {
      if ('entry' in step.value) {
        entries.push(step.value.entry);
        step = reader.next(NOTHING);
        continue;
      }
      const { offset, length }: ByteRange = step.value.want;
      if (offset + gathered.length < at + used) throw new Error('the reader went back');
      used = Math.max(used, offset + gathered.length - at);
      const taken = arrived.subarray(used, used + length - gathered.length);
      gathered.push(...taken);
      used += taken.length;
      if (gathered.length < length) break;
      step = reader.next(Uint8Array.from(gathered));
      gathered = [];
    }
  }
  return entries;
}

/**
 * All entries of a tar, read from memory, byte by byte and in odd chunks. Fails when they differ, or when the reader asks
 * for something twice or goes back.
 */
export function readTarEveryWay(tar: Uint8Array, layer = 0): LayerEntry[] {
  let end = 0;
  const entries = readTarBytes(tar, layer, (want) => {
    expect(want.offset, 'the reader went back').toBeGreaterThanOrEqual(end);
    end = want.offset + want.length;
  });
  for (const chunk of [1, 700, 1 << 20]) expect(readTarStream(tar, chunk, layer)).toEqual(entries);
  return entries;
}

/** The error of a tar that cannot be read; the same one however its bytes arrive. */
export function tarError(tar: Uint8Array, layer = 0): ImageError {
  const errors = [
    thrownBy(() => readTarBytes(tar, layer)),
    thrownBy(() => readTarStream(tar, 1, layer)),
    thrownBy(() => readTarStream(tar, 700, layer)),
  ];
  for (const error of errors) expect(error).toBeInstanceOf(ImageError);
  expect(new Set(errors.map(String)).size).toBe(1);
  return errors[0] as ImageError;
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The bytes of an entry's file with its holes, taken from the tar it was read from. */
export function contentOf(tar: Uint8Array, entry: LayerEntry): Uint8Array {
  if (entry.segments === undefined) return tar.slice(entry.dataOffset, entry.dataOffset + entry.size);
  const content = new Uint8Array(entry.size);
  let at = entry.dataOffset;
  for (const { offset, length } of entry.segments) {
    content.set(tar.subarray(at, at + length), offset);
    at += length;
  }
  return content;
}

/** The entry of that path; fails when there is none or more than one. */
export function entryAt(entries: readonly LayerEntry[], path: ByteString): LayerEntry {
  const found = entries.filter((entry) => entry.path === path);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} entries at ${path}`);
  return found[0];
}
