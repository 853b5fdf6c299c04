import { describe, expect, it } from 'vitest';
import { ImageError } from '../../../src/core/errors.ts';
import { encodeHeader, encodePage, type MapRun } from '../../../src/overlay/delta-format.ts';
import { readDelta } from '../../../src/overlay/delta-reader.ts';
import { Overlay } from '../../../src/overlay/overlay.ts';
import { CrashFile } from '../../helpers/crash-file.ts';
import { bootOf, deltaBaseOf, emptyDelta, memoryBase, resume } from '../../helpers/overlay.ts';
import { random } from '../../helpers/random.ts';

const BLOCK = 4096;
const SIZE = 64 * BLOCK;
const base = deltaBaseOf(SIZE);

/** A delta with blocks, zeros and some pages of its map. */
async function used(): Promise<Buffer> {
  const file = emptyDelta(SIZE);
  const overlay = new Overlay(memoryBase(SIZE), await resume(file, SIZE));
  for (let block = 0; block < 4; block++) {
    overlay.write(block * 3 * BLOCK, Buffer.alloc(BLOCK, 77));
    overlay.trim((block * 3 + 1) * BLOCK, BLOCK);
    await overlay.flush();
  }
  return file.bytes;
}

function read(bytes: Uint8Array): { message: string } | 'sound' {
  try {
    readDelta(new CrashFile(bytes), base, 'a.delta', bootOf(1));
    return 'sound';
  } catch (error) {
    if (error instanceof ImageError) return { message: error.message };
    throw error;
  }
}

/** A delta whose only page has these runs, all of them synced in another boot. */
function crafted(...runs: MapRun[]): Buffer {
  const chainId = new Uint8Array(8).fill(1);
  const header = { imageSize: SIZE, baseDigest: base.digest, chainId, generation: 0, firstPage: 2, bootId: bootOf(2) };
  const bytes = Buffer.alloc(6 * BLOCK);
  bytes.set(encodeHeader({ ...header, syncedRecords: runs.length }), 0);
  bytes.set(encodePage(chainId, 0, { next: 3, runs }), 2 * BLOCK);
  return bytes;
}

function recordsIn(file: CrashFile, boot: number): number {
  return readDelta(new CrashFile(file.bytes), base, 'a.delta', bootOf(boot)).records;
}

describe('readDelta', () => {
  it('refuses what is no delta, has another version, or is damaged', async () => {
    const sound = await used();
    const damaged = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(sound);
      for (const copy of [0, BLOCK]) bytes[copy + at] = value;
      return bytes;
    };
    expect(read(sound)).toBe('sound');
    expect(read(damaged(0, 0))).toEqual({ message: 'a.delta: it is no delta' });
    expect(read(damaged(8, 9))).toEqual({ message: 'a.delta: it has version 9 of the format, expected 1' });
    expect(read(damaged(0x61, (sound[0x61] ?? 0) ^ 1))).toEqual({
      message: 'a.delta: its header has a wrong checksum',
    });
    expect(read(sound.subarray(0, 100))).toEqual({ message: 'a.delta: it has 100 bytes, expected 8192 or more' });
    expect(read(sound.subarray(0, 8192))).toEqual({ message: 'a.delta: it has 0 records of its map, expected 8' });
  });

  it('refuses the delta of another base', async () => {
    const file = new CrashFile(await used());
    const digest = new Uint8Array(32).fill(8);
    const refused = (other: typeof base): unknown => {
      try {
        return readDelta(file, other, 'a.delta', bootOf(1));
      } catch (error) {
        return error;
      }
    };
    expect(refused({ size: SIZE, digest })).toMatchObject({
      code: 'delta-mismatch',
      message: `a.delta: it belongs to an image of ${SIZE} bytes with the fs-verity digest ${'07'.repeat(32)}, this one has ${SIZE} and ${'08'.repeat(32)}`,
    });
    expect(refused({ size: SIZE - 1, digest: base.digest })).toMatchObject({ code: 'delta-mismatch' });
  });

  it('refuses runs outside of the image or the file, and units that are used twice', () => {
    expect(read(crafted({ block: 0, count: 2, value: 4 }, { block: 2, count: 62, value: 1 }))).toBe('sound');
    const twice = { message: 'a.delta: two blocks or pages are in the same place' };
    expect(read(crafted({ block: 0, count: 1, value: 4 }, { block: 1, count: 1, value: 4 }))).toEqual(twice);
    expect(read(crafted({ block: 0, count: 1, value: 2 }))).toEqual(twice);
    for (const [block, count, value] of [
      [0, 1, 0],
      [0, 1, 6],
      [0, 3, 4],
      [63, 2, 1],
      [64, 1, 1],
      [2 ** 32 - 1, 2 ** 32 - 1, 1],
      [0, 2 ** 32 - 1, 2 ** 32 - 1],
    ] as const) {
      const message = `a.delta, header at 0x2000: ${count} blocks from ${block} on are at unit ${value}, outside of the image or of the file`;
      expect(read(crafted({ block, count, value }))).toEqual({ message });
    }
  });

  it('goes by the last whole header when the next one was torn', async () => {
    const file = new CrashFile(await used());
    const { header } = readDelta(file, base, 'a.delta', bootOf(1));
    const next = encodeHeader({ ...header, generation: header.generation + 1, firstPage: 9 });
    const slot = (next[0x40]! % 2) * BLOCK;
    file.write(slot, next.subarray(0, 0x60));
    expect(readDelta(file, base, 'a.delta', bootOf(1)).header).toEqual(header);
    file.write(slot, next);
    expect(() => readDelta(file, base, 'a.delta', bootOf(1))).toThrow('it has 0 records of its map, expected 8');
  });

  it('has what was not synced in the boot in which it was written, and in no other', async () => {
    const file = emptyDelta(SIZE);
    const overlay = new Overlay(memoryBase(SIZE), await resume(file, SIZE));
    overlay.trim(0, BLOCK);
    await overlay.flush();
    overlay.trim(5 * BLOCK, BLOCK);
    expect([1, 2, 0].map((boot) => recordsIn(file, boot))).toEqual([2, 1, 1]);
  });

  it('trusts no boot of which it does not know the id', async () => {
    const file = emptyDelta(SIZE);
    new Overlay(memoryBase(SIZE), await resume(file, SIZE, 0)).trim(0, BLOCK);
    expect(recordsIn(file, 0)).toBe(0);
  });

  it('refuses a map of which a synced byte is wrong, and takes a later one for its end', async () => {
    const sound = new CrashFile(await used());
    const overlay = new Overlay(memoryBase(SIZE), await resume(sound, SIZE));
    overlay.trim(40 * BLOCK, BLOCK);
    const { pages, header } = readDelta(sound, base, 'a.delta', bootOf(1));
    expect(pages.length).toBe(1);
    const synced = 0x20 + 16 * header.syncedRecords;
    for (let byte = 0; byte < synced + 32; byte++) {
      const at = pages[0]! * BLOCK + byte;
      sound.bytes[at]! ^= 1 << (byte % 8);
      const found = byte < synced ? read(sound.bytes) : { unsynced: recordsIn(sound, 1) - header.syncedRecords };
      const refused = { message: expect.stringMatching(/^a\.delta/) };
      expect(found).toEqual(byte < synced ? refused : { unsynced: byte < synced + 16 ? 0 : 1 });
      sound.bytes[at]! ^= 1 << (byte % 8);
    }
  });

  it('is refused in one line, however it is cut off', async () => {
    const sound = await used();
    for (let length = 0; length < sound.length; length += 7) {
      expect(read(sound.subarray(0, length))).toEqual({ message: expect.stringMatching(/^a\.delta[^\n]*$/) });
    }
  });

  it('is sound or refused in one line, whatever it holds', async () => {
    const sound = await used();
    const pick = random(11);
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(sound);
      for (let i = pick(8); i >= 0; i--) bytes[pick(2) * BLOCK * pick(12) + pick(BLOCK)] = pick(256);
      const result = read(bytes);
      expect(result === 'sound' || /^a\.delta[^\n]*$/.test(result.message)).toBe(true);
    }
  });
});
