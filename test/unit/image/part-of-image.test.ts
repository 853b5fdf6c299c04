import { describe, expect, it } from 'vitest';
import { PartOfImage } from '../../../src/image/part-of-image.ts';
import { bytesOfImage, planCase } from '../../helpers/image-case.ts';

describe('a part of an image', () => {
  it('has its bytes and its holes, at multiples of its own granularity', async () => {
    const { image } = await planCase([[{ name: 'a', data: 'x'.repeat(9000) }]]);
    const whole = bytesOfImage(image);
    const [start, size] = [3 * 512, 700 * 1024];
    const part = new PartOfImage(image, start, size);
    const [now, later] = [new Uint8Array(size), new Uint8Array(size)];
    part.read(0, now);
    await part.readAsync(0, later);
    expect(Buffer.from(now).equals(whole.subarray(start, start + size))).toBe(true);
    expect(later).toEqual(now);
    expect(part.label(1024)).toBe(image.label(start + 1024));
    const extents = [...part.extents(1000, size)];
    expect(extents.some(({ hole }) => hole)).toBe(true);
    expect(extents[0]?.offset).toBe(1000);
    for (const [i, { offset, length, hole }] of extents.entries()) {
      expect(offset + length).toBe(extents[i + 1]?.offset ?? size);
      expect(!hole || now.subarray(offset, offset + length).every((byte) => byte === 0)).toBe(true);
    }
    const inner = [...part.extents(0, size, 4096)].slice(1);
    expect(inner.every(({ offset }) => offset % 4096 === 0)).toBe(true);
    expect(() => part.read(size - 1, new Uint8Array(2))).toThrow('2 bytes from');
    expect([part.watched().size, part.watched().start]).toEqual([size, start]);
  });
});
