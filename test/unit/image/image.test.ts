import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openImage } from '../../../src/image/open-image.ts';
import { bytesOfImage, planCase } from '../../helpers/image-case.ts';
import { scratch } from '../../helpers/scratch.ts';
import { makeTar } from '../../helpers/tar-writer.ts';

const ENTRIES = [
  { name: 'small', data: 'small' },
  { name: 'large', data: Uint8Array.from({ length: 300_000 }, (_, i) => (i >> 8) ^ i) },
  {
    name: 'holes',
    sparse: { form: '1.0', size: 2 ** 20, segments: [{ offset: 5000, length: 7 }] },
    data: 'segment',
  },
  { name: 'folder/', mode: 0o700 },
] as const;

describe('PlannedImage', () => {
  it('reads the same bytes at any offset, in any length, now or later', async () => {
    const { image } = await planCase([ENTRIES]);
    const whole = bytesOfImage(image);
    const range = fc.tuple(fc.nat(image.size), fc.nat(400_000)).map(([offset, length]) => ({
      offset,
      length: Math.min(length, image.size - offset),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 4 }), async (reads) => {
        const targets = reads.map(({ length }) => new Uint8Array(length).fill(0xee));
        // All of them at once: they must not share what they read into.
        await Promise.all(reads.map(async ({ offset }, i) => image.readAsync(offset, targets[i]!)));
        reads.forEach(({ offset, length }, i) => {
          const expected = whole.subarray(offset, offset + length);
          expect(Buffer.compare(targets[i]!, expected)).toBe(0);
          const target = new Uint8Array(length).fill(0xee);
          image.read(offset, target);
          expect(Buffer.compare(target, expected)).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has holes that are zeros, at multiples of the granularity', async () => {
    const { image } = await planCase([ENTRIES]);
    const whole = bytesOfImage(image);
    for (const granularity of [1, 512, 4096, 65_536]) {
      let end = 0;
      for (const { offset, length, hole } of image.extents(0, image.size, granularity)) {
        expect(offset).toBe(end);
        end = offset + length;
        expect(!hole || whole.subarray(offset, end).every((byte) => byte === 0)).toBe(true);
        expect(!hole || (offset % granularity === 0 && (end % granularity === 0 || end === image.size))).toBe(true);
      }
      expect(end).toBe(image.size);
    }
  });

  it('refuses what is not in it', async () => {
    const { image } = await planCase([ENTRIES]);
    for (const [offset, length] of [
      [-1, 1],
      [image.size, 1],
      [image.size - 1, 2],
    ] as const) {
      expect(() => image.read(offset, new Uint8Array(length))).toThrow(RangeError);
      await expect(image.readAsync(offset, new Uint8Array(length))).rejects.toThrow(RangeError);
    }
    expect(() => image.label(image.size)).toThrow(RangeError);
    image.read(image.size, new Uint8Array(0));
  });

  it('says what lives where', async () => {
    const { image } = await planCase([ENTRIES]);
    expect([0, 1024, image.size - 1].map((offset) => image.label(offset))).toEqual(['boot area', 'superblock', 'free']);
  });

  it('does not give the bytes of a layer that changed', async () => {
    const path = join(scratch(), 'layer.tar');
    writeFileSync(path, makeTar(ENTRIES));
    const image = await openImage({ layers: [path], cache: false });
    image.verifyUnchanged();
    writeFileSync(path, makeTar([{ name: 'other' }]));
    expect(() => image.verifyUnchanged()).toThrow(expect.objectContaining({ code: 'layer-changed' }));
    expect(() => image.read(0, new Uint8Array(image.size))).toThrow(expect.objectContaining({ code: 'layer-changed' }));
    image.close();
  });
});
